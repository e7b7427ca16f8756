"""How run-steps/s go with the number of runs, with width, depth and workers: one axis at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.contest import Entry, Rules, compete
from benchmarks.floor import flops_of_step
from benchmarks.hosts import Teams
from benchmarks.statistics import spread
from benchmarks.works import CORES, Work

CONTESTING = ("ours, compiled", "ours, plain", "products")
_SMALL = Work("digits", 2, 32, 64, 32)
_WIDER = Work("digits", 2, 128, 8, 32)
# Axis -> the points along it.
AXES: dict[str, list[tuple[int, Work]]] = {
    "runs": [(runs, replace(_SMALL, runs=runs)) for runs in (1, 4, 16, 64, 256, 1024)],
    "width": [(width, replace(_WIDER, width=width, runs=4)) for width in (16, 32, 64, 128, 256, 512, 1024, 2048)],
    "depth": [(depth, replace(_WIDER, depth=depth)) for depth in (1, 2, 4, 8, 16)],
    "workers": [(workers, replace(_WIDER, runs=32, workers=workers)) for workers in range(1, CORES + 1)],
}


def measure(teams: Teams, rules: Rules, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Of each axis its points, in order."""
    return {axis: _along(axis, points[:2] if quick else points, teams, rules) for axis, points in AXES.items()}


def _along(axis: str, points: Sequence[tuple[int, Work]], teams: Teams, rules: Rules) -> list[dict[str, Any]]:
    # The floor knows no workers: it is the whole machine's.
    names = [name for name in CONTESTING if not (axis == "workers" and name == "products")]
    entries = [Entry(f"{name} at {at}", name, work) for at, work in points for name in names]
    scores = compete(entries, teams, rules)
    return [
        {
            axis: at,
            "work": work.name,
            "gigaflop_per_step": flops_of_step(work) / 1e9,
            "run_steps_per_second": {
                name: spread(scores[f"{name} at {at}"].rates).as_dict() for name in names if f"{name} at {at}" in scores
            },
        }
        for at, work in points
    ]
