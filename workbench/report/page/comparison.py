"""The page of a comparison: two sweeps, or one before and after a change, side by side in one self-contained file."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import files
from workbench.report import wording
from workbench.report.figures import painting, tables
from workbench.report.figures.curves import Histories
from workbench.report.figures.sections import Group, Plot, legend
from workbench.report.figures.svg import draw
from workbench.report.figures.units import units_of_losses
from workbench.report.page import provenance
from workbench.report.page.folder import make, stem
from workbench.report.page.rendering import render
from workbench.report.page.view import title
from workbench.report.statistics.comparison import BEYOND, SAME, UNKNOWN, WITHIN, Case, Comparison, compare
from workbench.report.statistics.design import CURVES, SEED, counts
from workbench.report.statistics.effects import over_seeds

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

DRAWN_CASES = 40
MEANING = {
    BEYOND: "the difference is larger than the seeds explain (Student's test, Holm's p under 0.05)",
    WITHIN: "the seeds explain it",
    SAME: "equal to the last bit in every pair",
    UNKNOWN: "one seed, so there is no noise to compare with",
}


def write_comparison(first: SweepTables, second: SweepTables, folder: Path) -> Path:
    """Write `<folder>/compare-<first>-<second>.html`. Raises BadInput where the two have nothing in common."""
    found = compare(first, second)
    make(folder)
    target = folder / f"compare-{stem(first.name, folder)}-{stem(second.name, folder)}.html"
    files.write(target, render("compare", _view(found, folder)))
    return target


def _view(found: Comparison, folder: Path) -> dict[str, Any]:
    labels = _labels(found)
    return {
        "title": f"{labels[0]} \u2192 {labels[1]}", "labels": labels, "summary": _summary(found),
        "sides": [_side(side, label, folder) for side, label in zip(found.sides, labels, strict=True)],
        "settings": tables.Table("Settings", ("Setting", *labels), found.settings, words=3),
        "facts": tables.Table("Code, machine and data", ("", *labels), tuple(
            (provenance.name_of(key), *values) for key, *values in found.facts), words=3),
        "meaning": MEANING, "forest": [_forest(found, metric, place) for place, metric in enumerate(found.metrics)],
        "curves": _curves(found, labels), "data": None,
    }  # fmt: skip


def _labels(found: Comparison) -> tuple[str, str]:
    """The sweeps' names; two sittings of one sweep are told apart by when they started."""
    names = [side.name for side in found.sides]
    if names[0] == names[1]:
        names = [f"{side.name} ({side.facts.get('started') or place})" for place, side in enumerate(found.sides, 1)]
    return names[0], names[1]


def _side(side: SweepTables, label: str, folder: Path) -> dict[str, Any]:
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


def _forest(found: Comparison, metric: str, place: int) -> Group:
    """Every case as a line: the change with its interval, the largest first."""
    ordered = sorted(found.cases[metric], key=lambda case: (case.finding != BEYOND, -abs(case.change), case.label))
    drawn = ordered[:DRAWN_CASES]
    name = wording.metric(metric).name
    text = "; ".join(f"{case.label} {wording.change(case.change, metric)} ({case.finding})" for case in drawn)
    left = 18 + 6.4 * min(46, max(len(case.label) for case in drawn))
    svg = draw(
        partial(painting.forest, cases=drawn, key=metric), f"forest-{place}", f"Change of {name.lower()}. {text}.",
        (620, 48 + 20 * len(drawn)), (left, 16, 8, 30),
    )  # fmt: skip
    caption = "Second minus first. Filled: beyond seed noise; hollow: within it. "
    caption += (
        f"The 95 % intervals hold for all {len(ordered)} cases at once, since the largest stand first; Holm\u2019s "
        "test is a little sharper than they are."
        if len(ordered) > 1
        else "With its 95 % interval."
    )
    if len(ordered) > len(drawn):
        caption += f" The {len(drawn)} largest of {len(ordered)} cases."
    rows = [
        (case.label, case.finding, *(wording.amount(v, metric) for v in (case.first, case.second)),
         wording.change(case.change, metric), wording.between(*case.interval, metric) or "\u2013",
         wording.probability(case.p) if np.isfinite(case.p) else "\u2013", str(case.seeds))
        for case in ordered
    ]  # fmt: skip
    heads = ("Case", "Finding", "First", "Second", "Change", "95 % interval", "Holm\u2019s p", "Seeds")
    return Group(
        caption, (Plot("", svg),), tables.Table(f"Change of {name.lower()}", heads, tuple(rows), 2), title=name
    )


def _curves(found: Comparison, labels: tuple[str, str]) -> Group | None:
    """The learning curves of both, over all finished runs."""
    histories = [Histories(side, design) for side, design in zip(found.sides, found.designs, strict=True)]
    metrics = [key for key in CURVES[found.designs[0].task] if all(key in one.metrics for one in histories)]
    if not metrics or any(len(one.epochs) < 2 for one in histories):
        return None
    plots, rows = [], []
    for metric in metrics:
        lines = []
        for design, one, label in zip(found.designs, histories, labels, strict=True):
            values = one.of(metric)[0]
            done = (design.runs["outcome"] == "finished").to_numpy()
            seeds = design.runs[SEED].to_numpy()
            means = np.array(
                [values[done & (seeds == s)].mean(axis=0) for s in design.seeds if (done & (seeds == s)).any()]
            )
            mean, low, high = over_seeds(means.T)
            lines.append((one.epochs, mean, low, high))
            rows.append(
                (wording.metric(metric).name, label, wording.amount(mean[0], metric), wording.amount(mean[-1], metric))
            )
        svg = draw(partial(painting.two_curves, lines=lines, key=metric), f"curves-{metric}",
                   f"{wording.metric(metric).name} by epoch in both.", margins=(48, 8, 10, 38))  # fmt: skip
        plots.append(Plot(wording.metric(metric).name, svg))
    table = tables.Table("First and last epoch", ("Metric", "Sweep", "First", "Last"), tuple(rows), 2)
    return Group("Mean over all finished runs with its 95 % interval over seeds.", tuple(plots), table, legend(labels))
