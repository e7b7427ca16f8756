"""A search: trials with a setting of their own each, so that no two levels of a factor ever meet in one setting.

Nothing is compared by level there. Each trial has its mean over seeds; a factor has a fitted trend, a rank correlation
and an importance. All three describe the trials that were made, which a sampler chose: it tries more where it did well.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from workbench.report.statistics.design import SEED, Design, Factor
from workbench.report.statistics.effects import matched
from workbench.report.statistics.intervals import CONFIDENCE, RESAMPLING_SEED, Interval, student
from workbench.report.wording import metric as metric_of

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

FEWEST_LEVELS = 8  # of a factor that was searched and not set
FEWEST_TRIALS = 10  # of a trend, a correlation or an importance
SPANS_DECADES = 30.0  # largest over smallest value: a logarithmic axis
BANDWIDTH = 0.2  # of the fitted trend, as a share of the axis
FOLDS, TREES, SHUFFLES = 5, 100, 10
DEFAULT_METRIC = "best_validation_loss"  # as in conf/hydra/sweeper/optuna.yaml


@dataclass(frozen=True)
class TrialMean:
    """A trial: its number in the search, its first cell, the level of every factor, and its finished seeds' values."""

    number: int
    cell: int
    levels: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    interval: Interval


@dataclass(frozen=True)
class Axis:
    """A factor on an axis of its own: the place of each of its levels, log10 of numbers over several decades."""

    factor: Factor
    places: np.ndarray
    logarithmic: bool
    numeric: bool

    @property
    def whole(self) -> bool:
        """Whether all levels are whole numbers: a depth of 1.5 is none."""
        return self.numeric and all(float(str(value)).is_integer() for value in self.factor.values)


@dataclass(frozen=True)
class Trend:
    """What the trials say of one factor: Spearman's correlation of its places and the metric with its interval, and by
    how much a forest's R² of the ranks falls if the factor is shuffled. NaN under FEWEST_TRIALS trials.
    """

    axis: Axis
    correlation: float
    interval: Interval
    importance: float


@dataclass(frozen=True)
class Searched:
    """A search by `metric`, of which more is better if `sign` is 1. `trials` that finished, in their order; `explained`
    is the R² of the forest behind the importances, on trials that it was not fitted to.
    """

    metric: str
    sign: int
    trials: tuple[TrialMean, ...]
    asked: int
    trends: tuple[Trend, ...]
    explained: float

    @property
    def means(self) -> np.ndarray:
        """Each trial's mean over seeds, (trials,)."""
        return np.array([trial.mean for trial in self.trials])

    @property
    def ranked(self) -> list[TrialMean]:
        """The trials, the best first."""
        return sorted(self.trials, key=lambda trial: (-self.sign * trial.mean, trial.number))

    @property
    def factors(self) -> list[Factor]:
        """The factors in the order of a trial's levels."""
        return [trend.axis.factor for trend in self.trends]

    def places(self, place: int) -> np.ndarray:
        """Where the trials lie on the axis of the factor number `place`, (trials,)."""
        return self.trends[place].axis.places[[trial.levels[place] for trial in self.trials]]


def searched(tables: SweepTables, design: Design) -> Searched | None:
    """The search that a sweep is, by the first of its metrics; None if it is a grid, or none of its trials finished."""
    asked = next(iter(goals_of(tables.facts.get("command", ""))), None)
    if not design.factors or not (asked or any(_is_searched(design, factor) for factor in design.factors)):
        return None
    metric, sign = asked or (design.main, metric_of(design.main).better or 1)
    if metric not in design.runs:
        metric, sign = design.main, metric_of(design.main).better or 1
    trials, count = _trials(design, metric, asked is not None)
    if not trials:
        return None
    axes = [_axis(factor) for factor in design.factors]
    ranks = stats.rankdata([sign * trial.mean for trial in trials])
    levels = np.array([trial.levels for trial in trials])
    columns = np.column_stack([axis.places[levels[:, place]] for place, axis in enumerate(axes)])
    explained, importances = _importances(columns, ranks)
    means = np.array([trial.mean for trial in trials])
    trends = tuple(
        Trend(axis, *_correlation(column, means, axis.numeric), importance)
        for axis, column, importance in zip(axes, columns.T, importances, strict=True)
    )
    return Searched(metric, sign, tuple(trials), count, trends, explained)


def goals_of(command: str) -> list[tuple[str, int]]:
    """The metrics that a search was asked for, each with 1 if more of it is sought, else -1; none of another one."""
    try:
        words = dict(word.partition("=")[::2] for word in shlex.split(command))
    except ValueError:
        return []
    if words.get("hydra/sweeper") != "optuna":
        return []
    metrics = _listed(words.get("hydra.sweeper.metric", DEFAULT_METRIC))
    directions = _listed(words.get("hydra.sweeper.direction", ""))
    given = dict(zip(metrics, directions, strict=False))
    return [
        (metric, {"maximize": 1, "minimize": -1}.get(given.get(metric, ""), metric_of(metric).better or -1))
        for metric in metrics
    ]


def _listed(text: str) -> list[str]:
    """A value of the command line, or the values of a list."""
    return [part.strip().strip("'\"") for part in text.strip().removeprefix("[").removesuffix("]").split(",")]


def _is_searched(design: Design, factor: Factor) -> bool:
    """Whether a factor has many numbers of which no two were asked for in one setting."""
    if len(factor.values) < FEWEST_LEVELS or not _numeric(factor):
        return False
    asked = design.runs.assign(outcome="finished")
    everywhere = Design(asked, design.factors, design.seeds, design.task, ("cell",))
    return not len(matched(everywhere, [factor.key], "cell").runs)


def _numeric(factor: Factor) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in factor.values)


def _axis(factor: Factor) -> Axis:
    if not _numeric(factor):
        return Axis(factor, np.arange(len(factor.values), dtype=float), False, False)
    values = np.array(factor.values, dtype=float)
    logarithmic = bool(values.min() > 0 and values.max() > SPANS_DECADES * values.min())
    return Axis(factor, np.log10(values) if logarithmic else values, logarithmic, True)


def _trials(design: Design, metric: str, optuna: bool) -> tuple[list[TrialMean], int]:
    """The trials with a finished run, in the order in which they were asked for, and how many were asked for."""
    names = [f"level:{factor.key}" for factor in design.factors]
    found = []
    groups = list(design.runs.groupby(names, sort=False))
    for place, (_, rows) in enumerate(groups):
        done = rows[(rows["outcome"] == "finished") & rows[metric].notna()]
        values = done.groupby(SEED)[metric].mean().to_numpy(dtype=float)
        if len(values):
            levels = tuple(int(rows[name].iloc[0]) for name in names)
            span = student(values, within=metric_of(metric).range)
            mean, cell = float(values.mean()), int(rows["cell"].min())
            number = trial_number(design, cell) if optuna else place
            found.append(TrialMean(number, cell, levels, tuple(values.tolist()), mean, span))
    return found, len(groups)


def trial_number(design: Design, cell: int) -> int:
    """The number in Optuna's search of the trial with this first cell: each trial has a cell for each seed."""
    return cell // max(1, len(design.seeds))


def _correlation(places: np.ndarray, means: np.ndarray, numeric: bool) -> tuple[float, Interval]:
    """Spearman's rank correlation with its 95 % interval (Fisher's z, error of Bonett and Wright 2000)."""
    nothing = float("nan"), Interval(float("nan"), float("nan"))
    if not numeric or len(means) < FEWEST_TRIALS or not np.ptp(places) or not np.ptp(means):
        return nothing
    found = float(stats.spearmanr(places, means).statistic)
    if abs(found) >= 1:
        return found, Interval(found, found)
    half = stats.norm.ppf(0.5 + CONFIDENCE / 2) * math.sqrt((1 + found**2 / 2) / (len(means) - 3))
    return found, Interval(math.tanh(math.atanh(found) - half), math.tanh(math.atanh(found) + half))


def _importances(columns: np.ndarray, ranks: np.ndarray) -> tuple[float, list[float]]:
    """R² of a random forest of the `ranks` (trials,) on trials left out of its fit, and by how much it falls if one
    of the `columns` (trials, factors) is shuffled: five folds, ten shuffles. NaN under FEWEST_TRIALS trials.
    """
    count, width = columns.shape
    if count < FEWEST_TRIALS or not np.ptp(ranks):
        return float("nan"), [float("nan")] * width
    from sklearn.ensemble import RandomForestRegressor  # late: a second of imports, for searches alone

    chance = np.random.default_rng(RESAMPLING_SEED)
    fold = chance.permutation(np.arange(count) % FOLDS)
    missed, shuffled = np.zeros(count), np.zeros((width, SHUFFLES, count))
    for out in range(FOLDS):
        mine = fold == out
        forest = RandomForestRegressor(TREES, random_state=RESAMPLING_SEED, min_samples_leaf=2)
        forest.fit(columns[~mine], ranks[~mine])
        missed[mine] = ranks[mine] - forest.predict(columns[mine])
        tried = np.tile(columns[mine], (width * SHUFFLES, 1, 1))
        for place in range(width * SHUFFLES):
            tried[place, :, place // SHUFFLES] = chance.permutation(columns[:, place // SHUFFLES])[: int(mine.sum())]
        predicted = forest.predict(tried.reshape(-1, width)).reshape(width, SHUFFLES, -1)
        shuffled[:, :, mine] = ranks[mine] - predicted
    total = ((ranks - ranks.mean()) ** 2).sum()
    explained = 1 - (missed**2).sum() / total
    falls = (shuffled**2).sum(axis=2).mean(axis=1) / total - (missed**2).sum() / total
    return float(explained), falls.tolist()


def fitted_trend(places: np.ndarray, means: np.ndarray, at: Sequence[float] | np.ndarray) -> np.ndarray:
    """A locally linear fit with normal weights, BANDWIDTH of the axis wide, at these places."""
    width = BANDWIDTH * (float(np.ptp(places)) or 1.0)
    found = []
    for centre in np.asarray(at, dtype=float):
        weight = np.sqrt(np.exp(-0.5 * ((places - centre) / width) ** 2))
        matrix = np.column_stack([np.ones_like(places), places - centre]) * weight[:, None]
        found.append(float(np.linalg.lstsq(matrix, means * weight, rcond=None)[0][0]))
    return np.array(found)
