"""Tests over seeds: Student's and Welch's, the sign-flip test, Holm's correction, and how many seeds a test needs.

Everything takes plain arrays whose last axis is the seed, and is deterministic: sign flips beyond 20 seeds are drawn
by a generator with a fixed seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import stats

from workbench.report.statistics.intervals import CONFIDENCE, RESAMPLING_SEED, Interval, student

FEWEST_SEEDS = 12  # of a verdict: with fewer seeds, interval and sign-flip test are too imprecise
EXACT_UP_TO = 20  # seeds whose 2^n sign patterns are enumerated; beyond, they are sampled
MOST_PLANNED = 5_000  # seeds; a larger plan is not shown
POWER = 0.8
ALPHA = 0.05  # of Holm's p: a difference with a smaller one is significant
_FARTHEST_EDGE = 30.0  # standard errors from an edge: further away SciPy's noncentral t is not accurate
_DRAWS = 100_000


@lru_cache(maxsize=2)
def _signs(n: int) -> np.ndarray:
    return np.random.default_rng(RESAMPLING_SEED).integers(0, 2, size=(_DRAWS, n)).astype(float)


def _flipped_sums(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The sums of `values` (n,) under every sign pattern, or a fixed sample of them; and 1 if sampled, else 0."""
    if len(values) <= EXACT_UP_TO:
        sums = np.zeros(1)
        for value in values:
            sums = np.concatenate([sums + value, sums - value])
        return sums, 0
    return 2.0 * (_signs(len(values)) @ values) - values.sum(), 1


def sign_flip(differences: np.ndarray, edge: float = 0.0) -> float:
    """Two-sided p of the sign-flip test that the mean difference lies above `edge`.

    Under "the effect is exactly `edge`" every `difference - edge` is as likely to carry the other sign. p is twice the
    share of sign patterns whose mean is at least the observed one, so it is small only for an effect ABOVE the edge,
    and never under 2^(1-n) at n seeds. Pass the negated differences to test the other side. Exact up to 20 seeds;
    beyond, 100,000 fixed random patterns with the observed one counted among them. No seeds, or one whose
    difference is not finite: 1. It is SciPy's
    `permutation_test` of type "samples", which takes a thousand times as long for 20 seeds and draws others beyond.
    """
    values = np.asarray(differences, dtype=float) - edge
    if not len(values) or not np.isfinite(values).all():
        return 1.0
    sums, observed = _flipped_sums(values)
    rounding = 1e-12 * np.abs(values).sum()  # rounding must not distinguish patterns with equal sums
    count = int((sums >= values.sum() - rounding).sum())
    return min(1.0, 2.0 * (count + observed) / (len(sums) + observed))


def holm(values: Sequence[float], size: int | None = None) -> np.ndarray:
    """Holm's adjusted p of the p `values` of a family (Holm 1979): (k,) -> (k,).

    `size` (default k) is the number of tests the family was fixed to have. Those not given count as p = 1, which can
    only raise the adjusted p of the others: a page may stand alone and stays valid. So does one that is NaN.
    """
    p = np.nan_to_num(np.asarray(values, dtype=float), nan=1.0)
    size = len(p) if size is None else max(size, len(p))
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1.0, np.maximum.accumulate((size - np.arange(len(p))) * p[order]))
    result = np.empty_like(p)
    result[order] = adjusted
    return result


def paired_test(differences: np.ndarray, confidence: float = CONFIDENCE) -> tuple[Interval, float]:
    """Student's interval of the mean of `differences` (n,), n >= 2, and the two-sided p of its being 0."""
    interval = student(differences, confidence)
    if not differences.std(ddof=1):
        return interval, _without_noise(float(differences.mean()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy warns if values are nearly equal
        return interval, float(stats.ttest_1samp(differences, 0.0).pvalue)


def welch_test(one: np.ndarray, two: np.ndarray, confidence: float = CONFIDENCE) -> tuple[Interval, float]:
    """Welch's interval of mean `two` (m,) minus mean `one` (n,), m and n >= 2, and the two-sided p of its being 0."""
    change = float(two.mean() - one.mean())
    if not (one.var() or two.var()):
        return Interval(change, change), _without_noise(change)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.ttest_ind(two, one, equal_var=False)
        low, high = found.confidence_interval(confidence)
    return Interval(float(low), float(high)), float(found.pvalue)


def _without_noise(change: float) -> float:
    """p of a change without any noise, for which SciPy gives NaN; that of no number is none."""
    return change if np.isnan(change) else 0.0 if change else 1.0


def interquartile_mean(values: np.ndarray) -> float:
    """The mean of the middle half of `values` (n,): what a typical seed shows. NaN if there is none."""
    return float(stats.trim_mean(values, 0.25)) if len(values) else float("nan")


def improvement(differences: np.ndarray) -> float:
    """Probability of improvement: the share of seeds (n,) with a difference above 0, ties counted half."""
    return float((np.sign(differences).mean() + 1) / 2) if len(differences) else float("nan")


def power(effect: float, deviation: float, margin: float, n: int, family: int = 1) -> float:
    """Chance that n new seeds decide a paired rule, for normal differences of this mean and standard deviation.

    Beyond the margin both the 95 % interval and the test, at Holm's strictest level 0.05 / `family`, must lie beyond
    the edge; within it the interval must lie between both edges.
    """
    scale, inside = deviation / np.sqrt(n), abs(effect) < margin
    if scale == 0:
        return float(abs(effect) != margin)
    level = CONFIDENCE if inside else 1 - (1 - CONFIDENCE) / family
    critical = stats.t.ppf(0.5 + level / 2, n - 1)
    near, far = ((margin + side * abs(effect)) / scale for side in (-1, 1))
    reached = [float(stats.nct.sf(critical, n - 1, min(abs(edge), _FARTHEST_EDGE))) for edge in (near, far)]
    return max(0.0, sum(reached) - 1) if inside else reached[0]


def planned_seeds(effect: float, deviation: float, margin: float, family: int = 1) -> int | None:
    """The fewest seeds, 12 or more, that decide a paired rule with power 0.8; None if 5,000 would not."""
    if power(effect, deviation, margin, MOST_PLANNED, family) < POWER:
        return None
    low, high = FEWEST_SEEDS - 1, MOST_PLANNED
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, deviation, margin, middle, family) < POWER:
            low = middle
        else:
            high = middle
    return high
