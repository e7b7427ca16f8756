"""`workbench advise NAME`: what is wrong with the networks of a sweep, and what to type next."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench import output
from workbench.words.parser import Parser

if TYPE_CHECKING:
    from workbench.report.advice.diagnosis import Advice
    from workbench.report.verdicts.claim_rules import Claim

ABOUT = """Say what is wrong with the networks of a sweep, and what to type next.

The diagnosis is made from the curves and probes of every run that the store holds. Nothing is trained.
"""
EXAMPLES = """
workbench advise tour                  every fault found, the one with the most settings first
workbench advise tour --json           the same as one JSON document
workbench advise tour~1                the sweep of that name before the latest
"""
LINE_WIDTH = 100


def main(arguments: Sequence[str]) -> int:
    """Print the advice; the exit status. Raises BadInput if the store cannot be read or holds no such sweep."""
    asked = _parser().read(arguments)
    with output.chosen(json=asked.json, quiet=asked.quiet):
        from workbench.measure.own_rows import bring_own_rows
        from workbench.report.advice.diagnosis import advice
        from workbench.report.experiments import known_claims
        from workbench.report.statistics.design import read
        from workbench.tracking.read import load

        bring_own_rows()
        tables = load(asked.name, asked.uri)
        found = advice(tables, read(tables))
        claims = {claim.id: claim for listed in known_claims().values() for claim in listed}
        output.show(
            "advise", in_words(found, claims), lambda: {"sweep": tables.name, "advice": [asdict(one) for one in found]}
        )
    return 0


def in_words(found: Sequence[Advice], claims: Mapping[str, Claim]) -> str:
    """The advice as lines for a terminal. Each command is a whole line of its own, so that it can be pasted."""
    if not found:
        return "no run of two epochs or more has ended, so nothing can be diagnosed"
    lines: list[str] = []
    for one in found:
        where = f" ({one.example})" if one.example else ""
        lines += _wrapped(f"{one.fault}: {one.settings} of {one.of} settings{where}", "")
        lines += _wrapped(f"{one.evidence}.", "  ")
        for proposal in one.proposals:
            lines += ["", *_wrapped(f"try {proposal.words}", "  "), f"    {proposal.command}"]
            if proposal.claim in claims:
                statement = claims[proposal.claim].statement.rstrip(".")
                lines += _wrapped(f"claim {proposal.claim}: {statement} ({proposal.depends}).", "    ")
        lines.append("")
    return "\n".join(lines).rstrip()


def _wrapped(text: str, indent: str) -> list[str]:
    plain = text.replace("\u00a0", " ")
    return textwrap.wrap(
        plain, LINE_WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def _parser() -> Parser:
    parser = Parser("advise", ABOUT, EXAMPLES, json="print the advice as one JSON document: docs/command.md")
    parser.add_argument("name", metavar="NAME", help="a sweep; NAME~1 is the one of that name before the latest")
    parser.add_argument("--uri", help="the store, as in tracking.uri: sqlite:///FILE, or a server's http address")
    return parser
