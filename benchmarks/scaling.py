"""How run-steps/s go with the number of runs, with width, depth and workers: one axis at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.contest import Entry, Rules, compete
from benchmarks.floor import flops_of_step
from benchmarks.hosts import Teams
from benchmarks.statistics import ratio, spread
from benchmarks.works import CORES, Work

CONTESTING = ("ours, compiled", "ours, plain", "products")
# One run by itself: the peers may use every core for it.
ALONE = (
    "ours, compiled", "torch, one by one, processes", "torch, one by one, threads", "jax, one by one",
    "jax, one by one, threads", "products",
)  # fmt: skip
_WIDTHS, _DEPTHS = (16, 32, 64, 128, 256, 512, 1024, 2048), (1, 2, 4, 8, 16)
_SMALL = Work("digits", 2, 32, 64, 32)
_WIDER = Work("digits", 2, 128, 8, 32)
# Axis -> the points along it.
AXES: dict[str, list[tuple[int, Work]]] = {
    "runs": [(runs, replace(_SMALL, runs=runs)) for runs in (1, 4, 16, 64, 256, 1024)],
    "width": [(width, replace(_WIDER, width=width, runs=4)) for width in _WIDTHS],
    "depth": [(depth, replace(_WIDER, depth=depth)) for depth in _DEPTHS],
    "workers": [(workers, replace(_WIDER, runs=32, workers=workers)) for workers in range(1, CORES + 1)],
}


# The same of one run alone, beside the peers.
AXES_ALONE: dict[str, list[tuple[int, Work]]] = {
    "width of one run": [(width, replace(_WIDER, width=width, runs=1)) for width in _WIDTHS],
    "depth of one run": [(depth, replace(_WIDER, depth=depth, runs=1)) for depth in _DEPTHS],
}


def measure(teams: Teams, rules: Rules, quick: bool) -> dict[str, list[dict[str, Any]]]:
    """Of each axis its points, in order."""
    # The floor knows no workers: it is the whole machine's.
    contestants = dict.fromkeys(AXES, CONTESTING) | dict.fromkeys(AXES_ALONE, ALONE) | {"workers": CONTESTING[:-1]}
    return {
        axis: _along(axis, points[:2] if quick else points, contestants[axis], teams, rules)
        for axis, points in (AXES | AXES_ALONE).items()
    }


def _along(
    axis: str, points: Sequence[tuple[int, Work]], names: Sequence[str], teams: Teams, rules: Rules
) -> list[dict[str, Any]]:
    entries = [Entry(f"{name} at {at}", name, work) for at, work in points for name in names]
    scores, found = compete(entries, teams, rules), []
    for at, work in points:
        rates = {name: scores[f"{name} at {at}"].rates for name in names if f"{name} at {at}" in scores}
        point = {axis: at, "work": work.name, "gigaflop_per_step": flops_of_step(work) / 1e9}
        point["run_steps_per_second"] = {name: spread(rate).as_dict() for name, rate in rates.items()}
        found.append(point | {"over_best_peer": _over_best_peer(rates)})
    return found


def _over_best_peer(rates: dict[str, list[float]]) -> dict[str, float] | None:
    """How many times as fast as the best peer the public `train` is; None without peers."""
    peers = [rate for name, rate in rates.items() if name.startswith(("torch", "jax"))]
    return ratio(rates[CONTESTING[0]], max(peers, key=np.median)).as_dict() if peers else None
