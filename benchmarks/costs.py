"""What probes and evaluation take of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.contest import Entry, Rules, compete
from benchmarks.hosts import Teams
from benchmarks.statistics import spread
from benchmarks.works import Work
from workbench.engine.kernels.choice import numba_fault

PARTS = ("bare, compiled", "probes", "evaluation")
WORKS = (
    Work("digits", 2, 32, 64, 32),
    Work("digits", 3, 128, 64, 32),
    Work("mnist", 2, 32, 4, 128),
    Work("mnist", 3, 128, 4, 128),
)


def measure(teams: Teams, rules: Rules, quick: bool) -> list[dict[str, Any]]:
    """By work, the shares of an epoch: training, probes, evaluation. They sum to 1. Nothing without Numba."""
    if numba_fault():
        return []
    return [_shares(work, teams, rules) for work in WORKS[: 1 if quick else None]]


def _shares(work: Work, teams: Teams, rules: Rules) -> dict[str, Any]:
    scores = compete([Entry(name, name, work) for name in PARTS], teams, rules)
    # Rates are in updates of the epoch that a part belongs to, so 1 / rate are times of the same amount of training.
    times = np.array([1 / np.array(scores[name].rates) for name in PARTS])
    shares = times / times.sum(axis=0)
    names = ("training", *PARTS[1:])
    return {"work": work.name} | {name: spread(part).as_dict() for name, part in zip(names, shares, strict=True)}
