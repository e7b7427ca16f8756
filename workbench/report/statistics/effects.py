"""What each factor did: main effects, how pairs of factors combine, and the spread at every level.

The seed is the unit: results are averaged over the other factors within each seed first, and intervals run over seeds.
Levels are compared on matched runs alone: a setting of the other factors and the seed counts only if it finished at
every level that is compared, so that a level does not look good because its hard cases diverged, or because it was
asked for in easier settings. Where no setting was asked for at every level, as in a sweep of several arms, the largest
set of levels that share settings is compared. The page says how many runs are left out, and which of the two is why.

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

    `change` is the mean over seeds of level `top` (the best) minus level `bottom` (the worst; another one also if
    all are equal, but `top` itself if no other finished). `interval` is its 95 % interval over the same differences,
    which allows for the choice of the two among all levels, and of the factor among `family` of them. `set_aside` runs
    are left out since a partner did not finish, `unpaired` ones since not every partner was asked for. `matched` is
    False if no two levels finished in one setting: then nothing is compared, and no level has a mean. `finished`
    are the places of all levels with a finished run.
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
    unpaired: int
    matched: bool
    finished: tuple[int, ...] = ()
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
    Levels without any mean are not in it; NaN if other combinations are missing. `set_aside`, `unpaired` as in Effect.
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
    unpaired: int


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


@dataclass(frozen=True)
class Matched:
    """The finished `runs` that are compared: at every setting, each of the same levels, or combinations of levels.

    `set_aside` and `unpaired` count the finished runs that are not among them: a partner that was asked for did not
    finish; a partner was never asked for.
    """

    runs: pd.DataFrame
    set_aside: int
    unpaired: int


def matched(design: Design, keys: Sequence[str], metric: str) -> Matched:
    """Finished runs whose partners at the compared levels of `keys` finished too; none if no setting has two levels.

    A setting is a combination of the other factors and the seed.
    """
    runs = design.runs
    done = (runs["outcome"] == "finished") & runs[metric].notna()
    others = [f"level:{factor.key}" for factor in design.factors if factor.key not in keys] + [SEED]
    setting = runs.groupby(others).ngroup().to_numpy()
    level = np.zeros(len(runs), int)
    for key in keys:
        level = level * (1 + len(design.factor(key).values)) + runs[f"level:{key}"].to_numpy()
    level = np.unique(level, return_inverse=True)[1]
    asked = np.zeros((setting.max(initial=-1) + 1, level.max(initial=-1) + 1), bool)
    asked[setting, level] = True
    ended = np.zeros_like(asked)
    ended[setting[done], level[done]] = True
    chosen = _compared(ended)
    whole, hoped = ((held | ~chosen).all(axis=1) & chosen.any() for held in (ended, asked))
    kept = done & whole[setting] & chosen[level]
    aside = done & hoped[setting] & chosen[level] & ~kept
    return Matched(runs[kept], int(aside.sum()), int(done.sum() - kept.sum() - aside.sum()))


def _compared(ended: np.ndarray) -> np.ndarray:
    """Which levels are compared, of `ended` (settings, levels): the most that finished together in one setting, two or
    more; of several such sets the one with the most settings, then the one with the first levels.
    """
    sets, counts = np.unique(ended[ended.sum(axis=1) >= 2], axis=0, return_counts=True)
    if not len(sets):
        return np.zeros(ended.shape[1], bool)
    order = sorted(range(len(sets)), key=lambda one: (-sets[one].sum(), -counts[one], *(~sets[one]).tolist()))
    best: np.ndarray = sets[order[0]]
    return best


def by_seed(runs: pd.DataFrame, factor: Factor, metric: str, seeds: Sequence[int]) -> np.ndarray:
    """Means within each seed: (levels, seeds), NaN if a seed has nothing at a level."""
    table = runs.pivot_table(index=f"level:{factor.key}", columns=SEED, values=metric, aggfunc="mean")
    return table.reindex(index=range(len(factor.values)), columns=list(seeds)).to_numpy(dtype=float)


def _level(label: str, values: np.ndarray, seeds: Sequence[int], runs: int, within: tuple[float, float]) -> Level:
    held = [(seed, float(value)) for seed, value in zip(seeds, values, strict=True) if np.isfinite(value)]
    mean = float(np.mean([value for _, value in held])) if held else float("nan")
    return Level(label, runs, mean, student(values[np.isfinite(values)], within=within), tuple(held))


def main_effect(design: Design, factor: Factor, metric: str, family: int = 1) -> Effect:
    """The main effect of `factor` on `metric`, paired by seed over matched runs.

    `family` is the number of factors from which it is chosen: 1 for a factor that was named before looking.
    """
    found = matched(design, [factor.key], metric)
    means = by_seed(found.runs, factor, metric, design.seeds)
    counts = found.runs[f"level:{factor.key}"].value_counts()
    span = metric_of(metric).range
    levels = tuple(
        _level(label, values, design.seeds, int(counts.get(place, 0)), span)
        for place, (label, values) in enumerate(zip(factor.labels, means, strict=True))
    )
    top, bottom, compared = ends(np.array([level.mean for level in levels]) * (metric_of(metric).better or 1))
    differences = means[top] - means[bottom]
    differences = differences[np.isfinite(differences)]
    change = float(differences.mean()) if len(differences) else float("nan")
    interval = largest_difference(differences, max(compared, 2), 1 - (1 - CONFIDENCE) / max(family, 1))
    return Effect(
        factor, metric, levels, top, bottom, change, _possible(interval, span), len(differences), found.set_aside,
        found.unpaired, bool(compared), finished_levels(design, factor, metric), family,
    )  # fmt: skip


def finished_levels(design: Design, factor: Factor, metric: str) -> tuple[int, ...]:
    """The places of the levels that have a finished run with this metric."""
    done = design.runs[(design.runs["outcome"] == "finished") & design.runs[metric].notna()]
    return tuple(sorted({int(place) for place in done[f"level:{factor.key}"]}))


def _possible(interval: Interval, span: tuple[float, float]) -> Interval:
    """The part of the interval of a difference that two values of this range can have."""
    most = span[1] - span[0]
    return Interval(*np.clip(interval, -most, most).tolist())


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
    found = matched(design, [first.key, second.key], metric)
    shape = (len(first.values), len(second.values), len(design.seeds))
    grid = pd.MultiIndex.from_product([range(shape[0]), range(shape[1]), design.seeds])
    own = found.runs.groupby([f"level:{first.key}", f"level:{second.key}", SEED])[metric].mean()
    points = own.reindex(grid).to_numpy(dtype=float).reshape(shape)
    means, low, high = over_seeds(points, metric_of(metric).range)
    return Interaction(
        first, second, metric, points, means, low, high, _departure(means), found.set_aside, found.unpaired
    )


def _departure(means: np.ndarray) -> float:
    """The range of what the sum of both main effects leaves of the means; NaN unless two levels of each are whole."""
    held = np.isfinite(means)
    means = means[np.ix_(held.any(axis=1), held.any(axis=0))]
    if min(means.shape) < 2 or not np.isfinite(means).all():
        return float("nan")
    rest = means - means.mean(axis=1, keepdims=True) - means.mean(axis=0, keepdims=True) + means.mean()
    return float(rest.max() - rest.min())


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
        ordered = (np.max(values), np.median(values), np.min(values)) if len(values) else (np.nan,) * 3
        best, median, worst = ordered if better > 0 else ordered[::-1]
        result.append(Spread(label, values, float(best), float(median), float(worst), lost(cells), len(cells)))
    return result
