"""The page of a comparison: two sweeps, or one before and after a change, side by side in one self-contained file."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import files
from workbench.report import wording
from workbench.report.figures import COMPARISON_FIGURES
from workbench.report.figures.base import Table
from workbench.report.figures.units import units_of_losses
from workbench.report.language import texts
from workbench.report.language.words import joined, say
from workbench.report.page import provenance
from workbench.report.page.folder import make, stem
from workbench.report.page.rendering import render
from workbench.report.page.view import title
from workbench.report.statistics.comparison import BEYOND, SAME, TOO_FEW_SEEDS, WITHIN, Case, Comparison, compare
from workbench.report.statistics.design import counts

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MEANING = {
    BEYOND: say("finding.differs_means"),
    WITHIN: say("finding.within_means"),
    SAME: say("finding.identical_means"),
    TOO_FEW_SEEDS: say("finding.too_few_means"),
}


def write_comparison(
    first: SweepTables, second: SweepTables, folder: Path, asked: tuple[str, str] | None = None
) -> Path:
    """Write `<folder>/compare-<first>-<second>.html`; `asked` are the names asked for, as `tour~1`, if they are others.

    Raises BadInput if the two have nothing in common.
    """
    found = compare(first, second)
    make(folder)
    names = (first.name, second.name) if asked is None else tuple(map(_in_a_file, asked))
    target = folder / f"compare-{stem(names[0], folder)}-{stem(names[1], folder)}.html"
    files.write(target, render("compare", _view(found, folder)))
    return target


def _in_a_file(name: str) -> str:
    """ "tour~1" -> "tour-1-before": no file is called with a tilde everywhere."""
    return re.sub(r"~(\d+)$", r"-\1-before", name)


def _view(found: Comparison, folder: Path) -> dict[str, object]:
    labels = found.labels
    figures = [one for kind in COMPARISON_FIGURES.values() for one in kind.drawn(found) if not one.absent]
    return {
        "title": f"{labels[0]} \u2192 {labels[1]}", "labels": labels, "summary": _summary(found),
        "sides": [_side(side, label, folder) for side, label in zip(found.sides, labels, strict=True)],
        "settings": Table("Settings", ("Setting", *labels), found.settings, words=3),
        "facts": Table("Code, machine and data", ("", *labels), tuple(
            (provenance.name_of(key), *values) for key, *values in found.facts), words=3),
        "meaning": MEANING, "figures": figures, "singles": sum(len(one.plots) == 1 for one in figures), "data": None,
    }  # fmt: skip


def _side(side: SweepTables, label: str, folder: Path) -> dict[str, object]:
    return {
        "label": label, "title": title(side), "description": texts.translated(side.facts.get("description", "")),
        "command": side.facts.get("command", ""), "started": side.facts.get("started", ""),
        "page": f"{stem(side.name, folder)}.html", "counts": {name: n for name, n in counts(side.runs).items() if n},
        "runs": len(side.runs),
    }  # fmt: skip


def _summary(found: Comparison) -> str:
    main = found.metrics[0]
    cases = found.cases[main]
    tally = Counter(case.finding for case in cases)
    parts = [say("comparison.tally", count=tally[one], finding=one) for one in MEANING if tally[one]]
    name = wording.metric(main).name.lower()
    cases_in_words = wording.plural(len(cases), "case")
    text: list[str] = [say("comparison.summary", name=name, cases=cases_in_words, tally=joined(parts, ", ", "，"))]
    text.append(units_of_losses(*found.designs))
    beyond = sorted((case for case in cases if case.finding == BEYOND), key=lambda case: -abs(case.change))
    if beyond:
        text.append(say("comparison.most", label=beyond[0].label, change=_written(beyond[0])))
    if found.apart:
        names = wording.listing(list(wording.factors(found.apart).values()))
        text.append(say("comparison.apart", names=names))
    if found.matched:
        text.append(say("comparison.equal", pairs=wording.plural(found.matched, "pair"), equal=found.equal))
    return joined(text)


def _written(case: Case) -> str:
    span = wording.between(*case.interval, case.metric)
    first, second = (wording.amount(value, case.metric) for value in (case.first, case.second))
    interval = say("comparison.interval", interval=span) if span else ""
    change = wording.change(case.change, case.metric)
    return say("comparison.change", first=first, second=second, change=change, interval=interval)
