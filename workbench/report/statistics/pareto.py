"""A search by several metrics: what each trial came to by all of them, and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.report.statistics.design import SEED, Design, Factor
from workbench.report.statistics.searched import trial_number
from workbench.sweep.planning.goals import on_pareto_front


@dataclass(frozen=True)
class FrontTrial:
    """A trial of which all runs finished: its number in the search, its first cell, the level of every factor, its mean
    over seeds of each metric, and whether it is on the front.
    """

    number: int
    cell: int
    levels: tuple[int, ...]
    means: tuple[float, ...]
    best: bool


@dataclass(frozen=True)
class Pareto:
    """A search by these `metrics`; of each more is better if its sign is 1, less if it is -1."""

    metrics: tuple[str, ...]
    signs: tuple[int, ...]
    factors: Sequence[Factor]
    trials: tuple[FrontTrial, ...]

    @property
    def front(self) -> list[FrontTrial]:
        """The trials than which no other is better by one metric and as good by the others; by the first metric."""
        return sorted((one for one in self.trials if one.best), key=lambda one: (one.means, one.number))

    @property
    def others(self) -> list[FrontTrial]:
        """The trials that another one beats."""
        return [one for one in self.trials if not one.best]


def pareto(design: Design, goals: Sequence[tuple[str, int]]) -> Pareto | None:
    """The trials of a search by several metrics, each with its sign; None of a search by one, or without a result."""
    metrics, signs = tuple(metric for metric, _ in goals), tuple(sign for _, sign in goals)
    if len(goals) < 2 or not design.factors or not set(metrics) <= set(design.runs):
        return None
    names = [f"level:{factor.key}" for factor in design.factors]
    found = []
    for _, rows in design.runs.groupby(names, sort=False):
        once = rows.drop_duplicates(SEED)  # a search may try the same again
        means = tuple(sum(map(float, once[metric])) / len(once) for metric in metrics)
        if (once["outcome"] == "finished").all() and np.isfinite(means).all():
            cell, levels = int(rows["cell"].min()), tuple(int(rows[name].iloc[0]) for name in names)
            found.append((trial_number(design, cell), cell, levels, means))
    best = on_pareto_front([means for *_, means in found], signs)
    trials = tuple(FrontTrial(*one, held) for one, held in zip(found, best, strict=True))
    return Pareto(metrics, signs, design.factors, trials) if trials else None
