"""The index: every claim with its verdict, by section of the notes, and every sweep that has a page in the folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench import files
from workbench.report import wording
from workbench.report.language import texts
from workbench.report.language.words import joined, say, semicolons, word
from workbench.report.page import page_data
from workbench.report.page.datasets import conditional_on_data, in_words, side_by_side
from workbench.report.page.folder import make
from workbench.report.page.json_documents import ClaimForm, Finding, PageForm, RuleForm
from workbench.report.page.rendering import render
from workbench.report.statistics.design import STATUSES
from workbench.report.verdicts import sentences
from workbench.report.verdicts.claim_rules import Claim
from workbench.report.verdicts.verdict import VERDICTS

INDEX = "index.html"
NO_SECTION = "Without a section"


@dataclass(frozen=True)
class Line:
    """A claim as the index shows it; `verdict` and `file` are "" if its sweep has no page yet."""

    id: str
    statement: str
    statement_zh: str
    section: str
    sweep: str
    verdict: str = ""
    finding: str = ""
    file: str = ""
    ruled_out: bool = False
    dataset: str = ""
    on_data: str = ""

    @property
    def on(self) -> str:
        """Its dataset in both languages, or its sweep where the page does not say one."""
        return in_words(self.dataset) if self.dataset else self.sweep


@dataclass(frozen=True)
class Asked:
    """A claim with its verdict on every dataset that it was asked on; `on_data` says if they differ."""

    id: str
    statement: str
    statement_zh: str
    lines: tuple[Line, ...]
    on_data: str


@dataclass(frozen=True)
class Entry:
    """A sweep with a page."""

    file: str
    name: str
    title: str
    summary: str
    counts: dict[str, int]
    verdicts: tuple[tuple[str, int], ...]
    started: str
    order: int
    cells: int
    lines: tuple[Line, ...]


def write_index(folder: Path, known: Mapping[str, Sequence[Claim]] | None = None) -> Path:
    """Write `<folder>/index.html`: the pages in the folder, the sweep that began last first.

    `known` are the claims of experiment files by their stem; those without a page are listed as not run yet.
    """
    make(folder)
    entries = [entry for path in sorted(folder.glob("*.json")) if (entry := _entry(path))]
    entries.sort(key=lambda entry: (entry.order, entry.started), reverse=True)
    lines = _once(line for entry in entries for line in entry.lines)
    turned = conditional_on_data(
        (line.id, line.dataset, "ruled out" if line.ruled_out else line.verdict) for line in reversed(lines)
    )
    lines = [replace(line, on_data=turned.get(line.id, "")) for line in lines]
    judged = list(lines)
    later = _waiting(known or {}, judged)
    tally = Counter(line.verdict for line in judged)
    shown = {
        "title": word("Reports"), "name": "index", "entries": entries, "verdicts": VERDICTS,
        "sections": _sections(judged), "side_by_side": side_by_side(sorted(judged, key=_order)),
        "later": _sections(later), "waiting": _claims(later),
        "tally": {verdict: tally[verdict] for verdict in VERDICTS if tally[verdict]},
        "claims": _claims([*judged, *later]), "found": len(judged),
        "runs": sum(entry.cells for entry in entries),
    }  # fmt: skip
    target = folder / INDEX
    files.write(target, render("index", shown))
    return target


def _claims(lines: Sequence[Line]) -> int:
    """How many claims these are: one may be asked by several sweeps, and on several datasets."""
    return len({(line.id, line.statement) for line in lines})


def _entry(path: Path) -> Entry | None:
    """A sweep's line from its page's data; None if the file is not a page's."""
    page = path.with_suffix(".html")
    data = page_data.read(path) if page.exists() else None
    if data is None:
        return None
    found = Counter(claim["verdict"]["verdict"] for claim in data["claims"])
    return Entry(
        file=page.name, name=data["name"], title=texts.translated(data["title"]), summary=_summary(data),
        counts={name: data["counts"][name] for name in STATUSES if data["counts"][name]},
        verdicts=tuple((verdict, found[verdict]) for verdict in VERDICTS if found[verdict]),
        started=data["provenance"].get("started", ""), order=_order_of(data["provenance"]),
        cells=sum(data["counts"].values()),
        lines=tuple(_line(claim, data["name"], page.name, data.get("dataset", "")) for claim in data["claims"]),
    )  # fmt: skip


def _summary(data: PageForm) -> str:
    if data["description"]:
        return texts.translated(data["description"])
    return texts.translated(data["summary"], data.get("summary_zh", ""))


def _order_of(facts: Mapping[str, str]) -> int:
    """The place of a sweep in the order in which those of its store began; 0 in pages that do not note it."""
    noted = facts.get("order", "")
    return int(noted) if noted.isascii() and noted.isdigit() and len(noted) < 16 else 0


def _line(claim: ClaimForm, sweep: str, file: str, dataset: str) -> Line:
    verdict = claim["verdict"]
    return Line(
        claim["id"], claim["statement"], claim.get("statement_zh", ""), claim["section"] or NO_SECTION, sweep,
        verdict["verdict"], _finding(claim), file, bool(verdict.get("fails")) and verdict["verdict"] == "inconclusive",
        dataset,
    )  # fmt: skip


def _finding(claim: ClaimForm) -> str:
    """What stands behind a verdict: what its first rule found, or the further rule that decided it; of a conditional
    one also what was found in the other setting.
    """
    verdict = claim["verdict"]
    parts, metric = [_found(claim["rule"], verdict)], claim["rule"].get("metric", "")
    if verdict["verdict"] == "conditional":
        if claim["tuned"] and verdict["tuned"]:
            parts.append(say("index.other_setting", found=_found(claim["tuned"], verdict["tuned"], metric)))
        if claim.get("vary"):
            parts.append(texts.translated(verdict["condition"], verdict.get("condition_zh", "")))
    elif verdict["verdict"] != verdict.get("by_itself", verdict["verdict"]):
        also = zip(claim["also"], verdict["also"], strict=True)
        parts = [_found(*pair) for pair in also if pair[1]["verdict"] == verdict["verdict"]][:1] or parts
    withheld = sentences.reason_withheld(verdict.get("sentence", ""))
    return semicolons([word("withheld"), *parts] if withheld else parts)


def _found(rule: RuleForm, verdict: Finding, named: str | None = None) -> str:
    """The effect of a rule with its interval and seeds; of an identity, the largest error over its runs.

    The metric is named, but for that which is `named` already.
    """
    effect = verdict.get("effect")
    if effect is None:
        return say("card.nothing_yet")
    count, metric = verdict["n"], rule.get("metric", "")
    if rule.get("kind") == "identity":
        return say("index.identity", worst=wording.number(effect), runs=wording.plural(count, "run"))
    low, high = (float("nan") if end is None else end for end in verdict["interval"])
    span = wording.between(low, high, metric)
    parts = {"change": wording.change(effect, metric), "seeds": wording.plural(count, "seed")}
    found = say("index.effect_with_interval", **parts, interval=span) if span else say("index.effect", **parts)
    return joined([wording.metric(metric).name.lower() if metric != named else "", found], " ", " ")


def _once(lines: Iterable[Line]) -> list[Line]:
    """Each claim once on each dataset, from the latest sweep that decided it, under its own name or another."""
    found: dict[tuple[str, str, str], Line] = {}
    for line in lines:
        found.setdefault((line.id, line.statement, line.dataset), line)
    return list(found.values())


def _waiting(known: Mapping[str, Sequence[Claim]], lines: Sequence[Line]) -> list[Line]:
    """The claims whose sweep has no page yet."""
    judged = {line.id for line in lines}
    return [
        Line(claim.id, claim.statement, claim.statement_zh, claim.section or NO_SECTION, stem)
        for stem, claims in known.items()
        for claim in claims
        if claim.id not in judged
    ]


def _sections(lines: Sequence[Line]) -> list[tuple[str, list[Asked]]]:
    """The claims by section, in the order of their ids (A1, A2, ... A10, B1), as in the list of claims; each on the
    dataset of most claims first.
    """
    sizes = Counter(line.dataset for line in lines)
    claims: dict[tuple[str, str, str], list[Line]] = {}
    for line in sorted(lines, key=_order):
        claims.setdefault((line.section, line.id, line.statement), []).append(line)
    groups: dict[str, list[Asked]] = {}
    for (section, mark, statement), held in claims.items():
        on_data = next((line.on_data for line in held if line.on_data), "")
        held.sort(key=lambda line: (-sizes[line.dataset], line.dataset))
        groups.setdefault(texts.translated(section), []).append(
            Asked(mark, statement, held[0].statement_zh, tuple(held), on_data)
        )
    return list(groups.items())


def _order(line: Line) -> tuple[str, int, str]:
    letters = line.id.rstrip("0123456789")
    digits = line.id[len(letters) :]
    return letters, int(digits) if digits.isascii() and digits else 0, line.id
