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
from workbench.report.page import provenance
from workbench.report.page.folder import make, stem
from workbench.report.page.rendering import render
from workbench.report.page.view import title
from workbench.report.statistics.comparison import BEYOND, SAME, TOO_FEW_SEEDS, WITHIN, Case, Comparison, compare
from workbench.report.statistics.design import counts

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MEANING = {
    BEYOND: "the difference is larger than the seeds explain (Student's test, Holm's p under 0.05)",
    WITHIN: "the seeds explain it",
    SAME: "equal to the last bit in every pair",
    TOO_FEW_SEEDS: "one seed, so there is no noise to compare with",
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
    figures = [one for kind in COMPARISON_FIGURES.values() for one in kind.drawn(found)]
    return {
        "title": f"{labels[0]} \u2192 {labels[1]}", "labels": labels, "summary": _summary(found),
        "sides": [_side(side, label, folder) for side, label in zip(found.sides, labels, strict=True)],
        "settings": Table("Settings", ("Setting", *labels), found.settings, words=3),
        "facts": Table("Code, machine and data", ("", *labels), tuple(
            (provenance.name_of(key), *values) for key, *values in found.facts), words=3),
        "meaning": MEANING, "figures": [one for one in figures if not one.absent], "data": None,
    }  # fmt: skip


def _side(side: SweepTables, label: str, folder: Path) -> dict[str, object]:
    return {
        "label": label, "title": title(side), "description": side.facts.get("description", ""),
        "command": side.facts.get("command", ""), "started": side.facts.get("started", ""),
        "page": f"{stem(side.name, folder)}.html", "counts": {name: n for name, n in counts(side.runs).items() if n},
        "runs": len(side.runs),
    }  # fmt: skip


def _summary(found: Comparison) -> str:
    main = found.metrics[0]
    cases = found.cases[main]
    tally = Counter(case.finding for case in cases)
    parts = [f"{tally[finding]} {finding}" for finding in MEANING if tally[finding]]
    text = f"In {wording.metric(main).name.lower()}, of {wording.plural(len(cases), 'case')}: {', '.join(parts)}."
    if units := units_of_losses(*found.designs):
        text += f" {units}"
    beyond = sorted((case for case in cases if case.finding == BEYOND), key=lambda case: -abs(case.change))
    if beyond:
        most = beyond[0]
        text += f" Most: {most.label}, {_written(most)}."
    if found.apart:
        names = wording.listing(list(wording.factors(found.apart).values()))
        text += f" They have no value of {names} in common, so runs are averaged over it."
    if found.matched:
        text += (
            f" Of {wording.plural(found.matched, 'pair')} of runs, {found.equal:,} ended with the very same weights."
        )
    return text


def _written(case: Case) -> str:
    span = wording.between(*case.interval, case.metric)
    inner = f" (95 % interval {span})" if span else ""
    return (
        f"from {wording.amount(case.first, case.metric)} to {wording.amount(case.second, case.metric)}, "
        f"{wording.change(case.change, case.metric)}{inner}"
    )
