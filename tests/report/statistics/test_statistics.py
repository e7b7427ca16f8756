"""Intervals keep their promised coverage, tests their promised error, Holm its order."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.report.statistics.intervals import INTERVALS, Interval, expanded_bootstrap, t_interval
from workbench.report.statistics.tests import (
    equivalent,
    holm,
    improvement,
    interquartile_mean,
    paired,
    planned_seeds,
    power,
    sign_flip,
)

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_pairs_only_what_both_arms_hold() -> None:
    seeds, differences = paired({1: 3.0, 0: 1.0, 5: 9.0}, {0: 0.5, 1: 1.0, 7: 2.0})
    assert seeds == [0, 1]
    assert differences.tolist() == [0.5, 2.0]


def test_t_interval_is_scipys() -> None:
    values = np.random.default_rng(1).normal(size=12)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert np.allclose(t_interval(values), (expected.low, expected.high))


@pytest.mark.parametrize("name", INTERVALS)
def test_one_seed_has_no_interval(name: str) -> None:
    assert np.isnan(INTERVALS[name](np.array([1.0]))).all()


def test_t_interval_covers_what_it_promises_at_twelve_seeds() -> None:
    low, high = t_interval(np.random.default_rng(2).normal(0.3, 1.0, size=(20_000, 12)))
    assert 0.93 <= np.mean((low <= 0.3) & (high >= 0.3)) <= 0.97


def test_expanded_bootstrap_covers_what_it_promises_at_twelve_seeds() -> None:
    chance = np.random.default_rng(3)
    found = [expanded_bootstrap(chance.normal(0.3, 1.0, 12), resamples=1000) for _ in range(1500)]
    assert 0.93 <= np.mean([low <= 0.3 <= high for low, high in found]) <= 0.97


def exponential(chance: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Skewed differences of mean 0."""
    return chance.exponential(size=shape) - 1


def collapsing(chance: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Differences of mean 0 among which one run in ten collapsed."""
    return chance.normal(1.0, 1.0, size=shape) - 10 * (chance.random(shape) < 0.1)


# What the module's docstring states of distributions for which no interval keeps its promise.
STATED = {exponential: (0.88, 0.92), collapsing: (0.68, 0.76)}


@pytest.mark.parametrize("draw", STATED)
def test_coverage_is_as_stated_where_differences_are_not_normal(draw: Any) -> None:
    low, high = t_interval(draw(np.random.default_rng(8), (20_000, 12)))
    assert STATED[draw][0] <= np.mean((low <= 0) & (high >= 0)) <= STATED[draw][1]


@pytest.mark.parametrize("draw", STATED)
def test_the_bootstrap_does_no_better_there(draw: Any) -> None:
    found = [expanded_bootstrap(values, resamples=500) for values in draw(np.random.default_rng(9), (1000, 12))]
    assert STATED[draw][0] - 0.05 <= np.mean([low <= 0 <= high for low, high in found]) <= STATED[draw][1] + 0.05


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


def test_equivalence_asks_it_of_the_whole_interval() -> None:
    values = np.array([-0.1, 0.1] * 6)
    assert equivalent(values, 0.1)
    assert not equivalent(values, 0.03)
    assert not equivalent(np.array([0.0]), 1.0)


def test_a_noisy_measurement_is_not_equivalent() -> None:
    draws = np.random.default_rng(7).normal(0, 1.0, size=(200, 12))
    assert not any(equivalent(values, 0.3) for values in draws)


@given(st.floats(-3, 3), st.floats(0, 3), st.floats(0, 5))
def test_an_interval_lies_within_a_margin_or_sticks_out(low: float, width: float, margin: float) -> None:
    interval = Interval(low, low + width)
    assert interval.within(margin) == (max(abs(interval.low), abs(interval.high)) <= margin)


def test_a_typical_seed_is_not_moved_by_outliers() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1000.0])
    assert interquartile_mean(values) == 4.5
    assert np.isnan(interquartile_mean(np.array([])))


def test_improvement_is_the_share_of_seeds_above_zero() -> None:
    assert improvement(np.array([0.1, 0.2, -0.1, 0.0])) == 0.625
    assert np.isnan(improvement(np.array([])))


@given(st.floats(-2, 2), st.floats(0.01, 3), st.floats(0, 1), st.integers(1, 40))
def test_a_plan_has_the_power_it_promises_and_no_seed_too_many(
    effect: float, deviation: float, margin: float, family: int
) -> None:
    n = planned_seeds(effect, deviation, margin, family)
    if n is None:
        assert power(effect, deviation, margin, 5000, family) < 0.8
    else:
        assert n >= 12
        assert power(effect, deviation, margin, n, family) >= 0.8
        assert n == 12 or power(effect, deviation, margin, n - 1, family) < 0.8


def test_nothing_plans_an_effect_at_the_very_edge() -> None:
    assert planned_seeds(0.5, 1.0, 0.5) is None
    assert planned_seeds(0.5, 0.0, 0.0) == 12
