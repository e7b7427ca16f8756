"""The objectives of a search: what a trial came to by each, and which trials no other one beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.sweep.run_outcomes import DIVERGED, FINISHED

MINIMIZE, MAXIMIZE = "minimize", "maximize"
SEARCH_DIRECTIONS = (MINIMIZE, MAXIMIZE)


@dataclass(frozen=True)
class Goal:
    """An objective of a search: a summary metric of the runs, and whether lower is better."""

    metric: str
    direction: str

    @property
    def sign(self) -> int:
        """1 if more is better, else -1."""
        return 1 if self.direction == MAXIMIZE else -1

    @property
    def worst(self) -> float:
        """The value that a diverged run counts as."""
        return -self.sign * math.inf


def judged(outcomes: Sequence[tuple[str, Sequence[float]]], goals: Sequence[Goal]) -> tuple[float, ...] | None:
    """The values of a trial, one for each goal, from the outcome of its runs and their metrics, one for each goal; None
    if one of the runs failed.
    """
    if any(outcome not in (FINISHED, DIVERGED) for outcome, _ in outcomes):
        return None
    return tuple(_mean(place, outcomes, goal) for place, goal in enumerate(goals))


def _mean(place: int, outcomes: Sequence[tuple[str, Sequence[float]]], goal: Goal) -> float:
    values = [
        goal.worst if outcome == DIVERGED or math.isnan(metrics[place]) else metrics[place]
        for outcome, metrics in outcomes
    ]
    return sum(values) / len(values)


def on_pareto_front(values: Sequence[Sequence[float]], signs: Sequence[int]) -> list[bool]:
    """For each of `values` (trials, goals), all finite, whether no other one is as good by every goal and better by
    one. `signs` are 1 where more is better, else -1.
    """
    import numpy as np  # late: Hydra's plugins import this file

    costs = -np.array(values, dtype=float).reshape(len(values), len(signs)) * np.array(signs)
    return [not ((costs <= own).all(axis=1) & (costs < own).any(axis=1)).any() for own in costs]
