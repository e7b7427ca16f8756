"""Sweeps of `workbench reproduce`, one after the other in this process."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from workbench import output
from workbench.signals import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from workbench.report.verdicts.claim_rules import Claim
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class EndedSweep:
    """A sweep that was run: its stem, what follows `workbench`, exit status, seconds, and with --json its document."""

    stem: str
    command: Sequence[str]
    status: int
    seconds: float
    document: Mapping[str, object] | None = None

    def as_document(self) -> dict[str, object]:
        """The same as JSON data, without secrets."""
        return {"stem": self.stem, "command": pasteable(self.command), "exit_status": self.status,
                "seconds": round(self.seconds, 3), "result": self.document}  # fmt: skip


def exit_status(ended: Sequence[EndedSweep]) -> int:
    """The worst exit status of all sweeps."""
    return max((sweep.status for sweep in ended), default=0)


def pasteable(command: Sequence[str]) -> str:
    """The command as a person can paste it, without secrets."""
    from workbench.redaction import redacted_override

    return shlex.join(["workbench", *map(redacted_override, command)])


def run(commands: Mapping[str, Sequence[str]], options: Sequence[str] = ()) -> list[EndedSweep]:
    """Run the sweeps one after the other, with these options. A failed one does not stop the others; Ctrl-C does.

    The page of each is written while the next one trains.
    """
    from workbench.quantities import counted, duration
    from workbench.report.pages_beside import pages_beside

    started, ended = perf_counter(), list[EndedSweep]()
    with pages_beside() as pages:
        for place, (stem, arguments) in enumerate(commands.items(), start=1):
            progress(f"[{place} of {len(commands)}] {stem}")
            pages.last = place == len(commands)
            ended.append(run_one(stem, arguments, options))
            took = duration(ended[-1].seconds)
            progress(f"[{place} of {len(commands)}] {stem} took {took}, exit status {ended[-1].status}")
            if ended[-1].status == EXIT_INTERRUPTED:
                break
        else:
            pages.collect(wait=True)
            progress(f"{counted(len(commands), 'sweep')} took {duration(perf_counter() - started)}")
    return [_without_page(one) if _name_in(one.command, one.stem) in pages.failed else one for one in ended]


def run_one(stem: str, arguments: Sequence[str], options: Sequence[str]) -> EndedSweep:
    """Run one sweep."""
    from workbench.sweep.hydra.command import main as command

    before, documents = perf_counter(), list[dict[str, object]]()
    if output.is_json():
        with output.kept() as documents:
            status = command([*arguments, *options])
    else:
        status = command([*arguments, *options])
    return EndedSweep(stem, arguments, status, perf_counter() - before, documents[-1] if documents else None)


def _without_page(ended: EndedSweep) -> EndedSweep:
    """A sweep whose page could not be written, as it would have ended if that had been known."""
    from workbench.sweep.execution.failures import ENDINGS, EXIT_FAILED

    status = max(EXIT_FAILED, ended.status)
    known = {"outcome": ENDINGS[status], "exit_status": status, "pages": []}
    return replace(ended, status=status, document={**ended.document, **known} if ended.document else None)


def settle(commands: Mapping[str, Sequence[str]], options: Sequence[str] = ()) -> list[EndedSweep]:
    """Run each sweep at the first look of its rules, and go on to the next one while a claim of it is open.

    A sweep whose rules name no looks is run as its file says.
    """
    ended: list[EndedSweep] = []
    for stem, command in commands.items():
        ended += _settled(stem, command, options)
        if ended[-1].status == EXIT_INTERRUPTED:
            break
    return ended


def _settled(stem: str, command: Sequence[str], options: Sequence[str]) -> list[EndedSweep]:
    """Run one sweep, look by look."""
    from workbench.report.experiments import experiment_of
    from workbench.report.verdicts.claim_rules import rules_of
    from workbench.report.verdicts.looks import seeds_to_train
    from workbench.tracking.read import load

    claims = experiment_of(stem).claims
    looked = [claim for claim in claims if any(getattr(rule, "looks", ()) for rule in rules_of(claim))]
    seeds = seeds_to_train(claims, None, ()) if looked else ()
    ended: list[EndedSweep] = []
    while True:
        ended += run({stem: [*command, *([f"seed={','.join(map(str, seeds))}"] if seeds else [])]}, options)
        if not looked or ended[-1].status or is_dry(command):
            return ended
        tables = load(_name_in(command, stem), _uri_in(command))
        opened = [claim.id for claim in _open(claims, tables) if claim in looked]
        before, seeds = seeds, seeds_to_train(claims, tables.runs, opened)
        if seeds == before:
            return ended
        progress(f"{stem}: {', '.join(opened)} open at {len(before)} seeds; {len(seeds)} seeds are looked at next")


def _open(claims: Sequence[Claim], tables: SweepTables) -> list[Claim]:
    """The claims that these runs leave undecided."""
    from workbench.report.verdicts.decision import decide_all

    judged = zip(claims, decide_all(claims, tables), strict=True)
    return [claim for claim, found in judged if found.verdict == "inconclusive"]


def is_dry(overrides: Sequence[str]) -> bool:
    """Whether a plan is printed and nothing trained."""
    said = [text.partition("=")[2] for text in overrides if text.startswith("dry_run=")]
    return bool(said) and said[-1].lower() == "true"


def _name_in(command: Sequence[str], stem: str) -> str:
    return next((text.partition("=")[2] for text in reversed(command) if text.startswith("name=")), stem)


def _uri_in(command: Sequence[str]) -> str | None:
    return next((text.partition("=")[2] for text in reversed(command) if text.startswith("tracking.uri=")), None)


def progress(line: str) -> None:
    """A line about how far the sweeps are."""
    if not output.is_quiet():
        print(line, file=sys.stderr, flush=True)
