"""Tests over seeds: Student's and Welch's, the sign-flip test, Fisher's of shares of lost runs, Holm's correction.

Everything takes plain arrays whose last axis is the seed, and is deterministic: sign flips beyond 20 seeds are drawn
by a generator with a fixed seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import special, stats

from workbench.report.statistics.intervals import CONFIDENCE, RESAMPLING_SEED, Interval, student

FEWEST_SEEDS = 12  # of a verdict: with fewer seeds, interval and sign-flip test are too imprecise
EXACT_UP_TO = 20  # seeds whose 2^n sign patterns are enumerated; beyond, they are sampled
ALPHA = 0.05  # of Holm's p: a difference with a smaller one is significant
_DRAWS = 100_000
_AT_ONCE = 1_000  # of the draws, so that many seeds need no more memory than a few
_GROUP = 10  # seeds whose sign patterns are tabulated together, so that a sampled pattern costs a look-up for each ten


@lru_cache(maxsize=64)
def _sampled_patterns(n: int) -> list[np.ndarray]:
    """Of the sampled patterns (draws, n), for every group of seeds the number of each draw's pattern, (draws,)."""
    generator = np.random.default_rng(RESAMPLING_SEED)
    found = [np.empty(_DRAWS, dtype=np.int16) for _ in range(0, n, _GROUP)]
    for start in range(0, _DRAWS, _AT_ONCE):
        signs = generator.integers(0, 2, size=(_AT_ONCE, n))
        for at, patterns in enumerate(found):
            group = signs[:, _GROUP * at :][:, :_GROUP]
            patterns[start : start + _AT_ONCE] = group @ (1 << np.arange(group.shape[1]))
    return found


def _all_sums(values: np.ndarray) -> np.ndarray:
    """The sums of `values` (n,) under every sign pattern, (2^n,): that of pattern k has value i as it is if bit i of k
    is set, else negated.
    """
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def _flipped_sums(values: np.ndarray) -> tuple[np.ndarray, int]:
    """The sums of `values` (n,) under every sign pattern, or a fixed sample of them; and 1 if sampled, else 0."""
    if len(values) <= EXACT_UP_TO:
        return _all_sums(values), 0
    groups = enumerate(_sampled_patterns(len(values)))
    return sum((_all_sums(values[_GROUP * at :][:_GROUP])[drawn] for at, drawn in groups), np.zeros(_DRAWS)), 1


def sign_flip(differences: np.ndarray, edge: float = 0.0) -> float:
    """Two-sided p of the sign-flip test that the mean difference lies above `edge`.

    Under "the effect is exactly `edge`" every `difference - edge` is as likely to carry the other sign. p is twice the
    share of sign patterns whose mean is at least the observed one, so it is small only for an effect ABOVE the edge,
    and never under 2^(1-n) at n seeds. Pass the negated differences to test the other side. Exact up to 20 seeds;
    beyond, 100,000 fixed random patterns with the observed one counted among them. No seeds, or one whose difference
    is not finite: 1. It is SciPy's `permutation_test` of type "samples", which takes a thousand times as long for 20
    seeds and draws others beyond.
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


def short_of(values: np.ndarray, edge: float) -> float:
    """Two-sided p of Student's test of the mean of `values` (n,) against `edge`: small only for a mean BELOW it.

    1 if there are fewer than two values, or one is not finite.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2 or not np.isfinite(values).all():
        return 1.0
    mean, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(len(values))
    if error <= 1e-12 * abs(mean):
        return 0.0 if mean <= edge + 1e-12 * abs(edge) else 1.0
    return float(min(1.0, 2 * special.stdtr(len(values) - 1, (mean - edge) / error)))


def shares_differ(lost: int, of: int, other_lost: int, of_other: int) -> float:
    """Two-sided p of Fisher's exact test that two shares are the same; NaN if there is nothing to compare."""
    if not (of and of_other):
        return float("nan")
    return float(stats.fisher_exact([[lost, of - lost], [other_lost, of_other - other_lost]]).pvalue)


def most_lost(seeds: int, lost: int = 0) -> float:
    """The largest share of lost runs that `lost` of `seeds` leave possible: Clopper and Pearson's bound of 95 %."""
    return float(stats.beta.ppf(CONFIDENCE, lost + 1, seeds - lost)) if lost < seeds else 1.0


def interquartile_mean(values: np.ndarray) -> float:
    """The mean of the middle half of `values` (n,): what a typical seed shows. NaN if there is none."""
    cut = len(values) // 4
    return float(np.sort(values)[cut : len(values) - cut].mean()) if len(values) else float("nan")


def improvement(differences: np.ndarray) -> float:
    """Probability of improvement: the share of seeds (n,) with a difference above 0, ties counted half."""
    return float((np.sign(differences).mean() + 1) / 2) if len(differences) else float("nan")
