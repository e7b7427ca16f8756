"""What each factor did: main effects, how pairs of factors combine, and the spread at every level.

The seed is the unit: results are averaged over the other factors within each seed first, and intervals run over seeds.
Levels are compared on matched runs: a combination of the other factors counts only if it finished at every level, so
that a level does not look good because its hard cases diverged. The page says how many runs are left out for that.

A difference is that of the best and the worst level, and the factor with the largest difference is shown first. Both
are chosen after looking, and the intervals of differences allow for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from workbench.report.statistics.design import SEED, Design, Factor, lost
from workbench.report.statistics.intervals import CONFIDENCE, Interval, largest_difference, over_seeds, student
from workbench.report.wording import metric as metric_of


@dataclass(frozen=True)
class Level:
    """One value of a factor: mean over seeds with its interval, and each seed's own mean as (seed, value)."""

    label: str
    runs: int
    mean: float
    interval: Interval
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Effect:
    """A factor's main effect on a metric.

    `change` is the mean at level `top` (the best) minus the mean at level `bottom` (the worst; another one also where
    all are equal, but `top` itself where no other finished). `interval` is its 95 % interval, paired by seed, which
    allows for the choice of the two among all levels, and of the factor among `family` of them. `matched` is False
    where no combination finished at every level, so that all runs had to be used: then there is no interval, since the
    levels differ in more than this factor.
    """

    factor: Factor
    metric: str
    levels: tuple[Level, ...]
    top: int
    bottom: int
    change: float
    interval: Interval
    seeds: int
    set_aside: int
    matched: bool
    family: int = 1

    @property
    def compared(self) -> int:
        """How many levels have a mean."""
        return sum(bool(np.isfinite(level.mean)) for level in self.levels)


@dataclass(frozen=True)
class Interaction:
    """Means of a metric over the levels of two factors, NaN if nothing finished.

    `points` (first, second, seeds) are means within each seed; `means`, `low`, `high` (first, second) over seeds.
    `size` is the range of what is left of the means once both main effects are taken out: 0 for factors that add up.
    """

    first: Factor
    second: Factor
    metric: str
    points: np.ndarray
    means: np.ndarray
    low: np.ndarray
    high: np.ndarray
    size: float
    set_aside: int


@dataclass(frozen=True)
class Spread:
    """All finished runs at one level: best, median and worst, and how many of how many cells were lost."""

    label: str
    values: np.ndarray
    best: float
    median: float
    worst: float
    lost: int
    cells: int


def matched(design: Design, keys: Sequence[str], metric: str) -> tuple[pd.DataFrame, int, bool]:
    """Finished runs whose partners at every level of `keys` finished too: (runs, how many are left out, matched?)."""
    held = design.runs[(design.runs["outcome"] == "finished") & design.runs[metric].notna()]
    others = [f"level:{factor.key}" for factor in design.factors if factor.key not in keys] + [SEED]
    own = sum(held[f"level:{key}"] * len(design.runs) ** place for place, key in enumerate(keys))
    partners = own.groupby([held[name] for name in others]).transform("nunique")
    full = held[partners == own.nunique()]
    return (full, len(held) - len(full), True) if len(full) else (held, 0, False)


def by_seed(runs: pd.DataFrame, factor: Factor, metric: str, seeds: Sequence[int]) -> np.ndarray:
    """Means within each seed: (levels, seeds), NaN if a seed has nothing at a level."""
    table = runs.pivot_table(index=f"level:{factor.key}", columns=SEED, values=metric, aggfunc="mean")
    return table.reindex(index=range(len(factor.values)), columns=list(seeds)).to_numpy(dtype=float)


def _level(label: str, values: np.ndarray, seeds: Sequence[int], runs: int) -> Level:
    held = [(seed, float(value)) for seed, value in zip(seeds, values, strict=True) if np.isfinite(value)]
    mean = float(np.mean([value for _, value in held])) if held else float("nan")
    return Level(label, runs, mean, student(values[np.isfinite(values)]), tuple(held))


def main_effect(design: Design, factor: Factor, metric: str, family: int = 1) -> Effect:
    """The main effect of `factor` on `metric`, paired by seed over matched runs.

    `family` is the number of factors from which it is chosen: 1 for a factor that was named before looking.
    """
    runs, set_aside, is_matched = matched(design, [factor.key], metric)
    means = by_seed(runs, factor, metric, design.seeds)
    counts = runs[f"level:{factor.key}"].value_counts()
    levels = tuple(
        _level(label, values, design.seeds, int(counts.get(place, 0)))
        for place, (label, values) in enumerate(zip(factor.labels, means, strict=True))
    )
    top, bottom, compared = ends(np.array([level.mean for level in levels]) * (metric_of(metric).better or 1))
    differences = means[top] - means[bottom]
    differences = differences[np.isfinite(differences)]
    change, interval = levels[top].mean - levels[bottom].mean, Interval(float("nan"), float("nan"))
    if is_matched and compared > 1:
        interval = largest_difference(differences, compared, 1 - (1 - CONFIDENCE) / max(family, 1))
    seeds = len(differences)
    return Effect(factor, metric, levels, top, bottom, change, interval, seeds, set_aside, is_matched, family)


def ends(score: np.ndarray) -> tuple[int, int, int]:
    """The places of the best and the worst level, and how many have a score. The two places differ if two have one."""
    held = np.flatnonzero(np.isfinite(score))
    if not len(held):
        return 0, 0, 0
    top = int(held[np.argmax(score[held])])
    rest = held[held != top]
    return top, int(rest[np.argmin(score[rest])]) if len(rest) else top, len(held)


def main_effects(design: Design, metric: str) -> list[Effect]:
    """The main effects of every factor on `metric`, the largest first; factors without two finished levels last."""
    effects = [main_effect(design, factor, metric, len(design.factors)) for factor in design.factors]
    return sorted(effects, key=lambda effect: -abs(effect.change) if np.isfinite(effect.change) else 1.0)


def interaction(design: Design, first: Factor, second: Factor, metric: str) -> Interaction:
    """How `first` and `second` combine on `metric`, over matched runs."""
    runs, set_aside, _ = matched(design, [first.key, second.key], metric)
    shape = (len(first.values), len(second.values), len(design.seeds))
    grid = pd.MultiIndex.from_product([range(shape[0]), range(shape[1]), design.seeds])
    own = runs.groupby([f"level:{first.key}", f"level:{second.key}", SEED])[metric].mean()
    points = own.reindex(grid).to_numpy(dtype=float).reshape(shape)
    means, low, high = over_seeds(points)
    size = float("nan")
    if np.isfinite(means).all():
        rest = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0, keepdims=True) + means.mean()
        size = float(rest.max() - rest.min())
    return Interaction(first, second, metric, points, means, low, high, size, set_aside)


def interactions(design: Design, order: Sequence[Factor]) -> list[list[Interaction]]:
    """Every pair of factors in `order`, each on every headline metric; the strongest on the main metric first, pairs
    with an empty cell last.
    """
    pairs = [
        [interaction(design, *_longer_first(*pair), metric) for metric in design.headlines]
        for pair in combinations(order, 2)
    ]
    return sorted(pairs, key=lambda pair: -pair[0].size if np.isfinite(pair[0].size) else 1.0)


def _longer_first(one: Factor, other: Factor) -> tuple[Factor, Factor]:
    """The factor with more levels is the axis; the other one gives the lines."""
    return (one, other) if len(one.values) >= len(other.values) else (other, one)


def spreads(design: Design, factor: Factor, metric: str) -> list[Spread]:
    """Best, median and worst finished run at every level of `factor`."""
    better = metric_of(metric).better or 1
    result = []
    for place, label in enumerate(factor.labels):
        cells = design.runs[design.runs[f"level:{factor.key}"] == place]
        values = cells.loc[cells["outcome"] == "finished", metric].dropna().to_numpy(dtype=float)
        ends = (np.max(values), np.median(values), np.min(values)) if len(values) else (np.nan,) * 3
        best, median, worst = ends if better > 0 else ends[::-1]
        result.append(Spread(label, values, float(best), float(median), float(worst), lost(cells), len(cells)))
    return result
