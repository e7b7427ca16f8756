"""Tests keep their promised error, and Holm its order."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.report.statistics.intervals import RESAMPLING_SEED
from workbench.report.statistics.tests import (
    holm,
    improvement,
    interquartile_mean,
    most_lost,
    paired_test,
    shares_differ,
    short_of,
    sign_flip,
    welch_test,
)

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_sign_flip_counts_every_pattern() -> None:
    values = np.random.default_rng(4).normal(0.4, 1.0, 7)
    flipped = [np.dot(signs, values - 0.1) for signs in product((1, -1), repeat=7)]
    share = np.mean(np.array(flipped) >= np.sum(values - 0.1) - 1e-12)
    assert sign_flip(values, 0.1) == pytest.approx(min(1.0, 2 * share))


@given(st.integers(1, 20), st.floats(0.01, 5))
def test_smallest_p_is_two_to_the_one_minus_n(n: int, size: float) -> None:
    assert sign_flip(np.full(n, size)) == 2.0 ** (1 - n)


def test_ties_are_not_told_apart_by_rounding() -> None:
    assert sign_flip(np.array([0.1, 0.2, -0.3])) == 1.0


def test_sampled_sign_flip_agrees_with_the_exact_one() -> None:
    values = np.random.default_rng(5).normal(0.45, 1.0, 24)
    exact = 0.0
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    exact = 2 * np.mean(sums >= values.sum() - 1e-9)
    assert sign_flip(values) == pytest.approx(exact, abs=0.003)
    assert sign_flip(values) == sign_flip(values)


@pytest.mark.parametrize("n", [21, 30, 47])
def test_sampled_patterns_are_those_of_the_generator(n: int) -> None:
    values = np.random.default_rng(n).normal(0.3, 1.0, n)
    signs = np.random.default_rng(RESAMPLING_SEED).integers(0, 2, size=(100_000, n))
    sums = (2.0 * signs - 1) @ values
    reached = int((sums >= values.sum() - 1e-9).sum())
    assert sign_flip(values) == min(1.0, 2 * (reached + 1) / 100_001)


@pytest.mark.parametrize("edge", [0.0, 0.5])
def test_sign_flip_at_the_edge_errs_at_most_as_often_as_promised(edge: float) -> None:
    draws = np.random.default_rng(6).normal(edge, 1.0, size=(3000, 12))
    assert np.mean([sign_flip(values, edge) < 0.05 for values in draws]) <= 0.035  # one of the two sides: 0.025


def test_holm_follows_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(PROBABILITIES)
def test_holm_raises_p_keeps_their_order_and_never_passes_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= np.minimum(1.0, len(p) * np.array(p)) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@given(PROBABILITIES, PROBABILITIES)
def test_unknown_members_of_a_family_can_only_raise_p(p: list[float], others: list[float]) -> None:
    known = holm(p + others)[: len(p)]
    assert (holm(p, len(p) + len(others)) >= known - 1e-12).all()


def test_a_typical_seed_is_not_moved_by_outliers() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1000.0])
    assert interquartile_mean(values) == 4.5
    assert np.isnan(interquartile_mean(np.array([])))


def test_improvement_is_the_share_of_seeds_above_zero() -> None:
    assert improvement(np.array([0.1, 0.2, -0.1, 0.0])) == 0.625
    assert np.isnan(improvement(np.array([])))


def test_the_sign_flip_test_is_scipys_permutation_test() -> None:
    values = np.random.default_rng(11).normal(0.3, 1.0, 9)
    found = stats.permutation_test((values,), np.mean, permutation_type="samples", alternative="greater")
    assert sign_flip(values) == pytest.approx(min(1.0, 2 * found.pvalue))


def test_paired_and_welch_agree_with_their_formulas() -> None:
    one, two = (np.random.default_rng(place).normal(size=size) for place, size in ((12, 7), (13, 5)))
    shares = np.array([side.var(ddof=1) / len(side) for side in (one, two)])
    freedom = shares.sum() ** 2 / (shares**2 / np.array([6, 4])).sum()
    change, error = two.mean() - one.mean(), shares.sum() ** 0.5
    half = stats.t.ppf(0.975, freedom) * error
    interval, p = welch_test(one, two)
    assert interval == pytest.approx((change - half, change + half))
    assert p == pytest.approx(2 * stats.t.sf(abs(change) / error, freedom))
    interval, p = paired_test(one)
    assert (interval.low > 0 or interval.high < 0) == (p < 0.05)
    assert p == pytest.approx(2 * stats.t.sf(abs(one.mean()) / (one.std(ddof=1) / 7**0.5), 6))


def test_the_test_of_being_short_of_an_edge_is_students() -> None:
    values = np.random.default_rng(14).normal(-0.4, 1.0, 12)
    found = stats.ttest_1samp(values, 0.2, alternative="less")
    assert short_of(values, 0.2) == pytest.approx(min(1.0, 2 * found.pvalue))
    assert short_of(values + 2, 0.2) == 1.0  # never small beyond the edge
    assert [short_of(np.full(3, 0.1), edge) for edge in (0.2, 0.1, 0.0)] == [0.0, 0.0, 1.0]
    assert short_of(np.array([0.1]), 1.0) == short_of(np.array([0.1, np.nan]), 1.0) == 1.0


def test_shares_of_lost_runs_are_compared_and_bounded() -> None:
    assert shares_differ(12, 12, 0, 12) == pytest.approx(7.4e-7, rel=0.01)
    assert shares_differ(3, 12, 3, 12) == 1.0
    assert np.isnan(shares_differ(0, 0, 1, 12))
    assert most_lost(12) == pytest.approx(1 - 0.05 ** (1 / 12))
    assert most_lost(12, 12) == 1.0


@pytest.mark.parametrize(("change", "p"), [(0.5, 0.0), (0.0, 1.0)])
def test_without_noise_a_change_is_certain_and_none_is_none(change: float, p: float) -> None:
    still = np.full(4, change)
    assert paired_test(still) == ((change, change), p)
    assert welch_test(np.zeros(3), still) == ((change, change), p)


def test_what_is_no_number_is_never_significant() -> None:
    values = np.full(12, 0.5)
    for number in (np.inf, np.nan):
        values[3] = number
        assert sign_flip(values) == 1.0
    assert not paired_test(values)[1] < 0.05
    assert not welch_test(values, np.zeros(12))[1] < 0.05
    assert holm([np.nan, 0.01]).tolist() == [1.0, 0.02]
