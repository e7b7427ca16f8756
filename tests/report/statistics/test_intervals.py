"""Intervals keep their promised coverage, and are the same wherever they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from tests.repetitions import repetitions
from workbench.report.statistics.intervals import (
    INTERVALS,
    Interval,
    expanded_bootstrap,
    over_seeds,
    student,
    t_interval,
)


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
    found = [expanded_bootstrap(chance.normal(0.3, 1.0, 12), resamples=500) for _ in range(repetitions(600, 1500))]
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


@pytest.mark.thorough
@pytest.mark.parametrize("draw", STATED)
def test_the_bootstrap_does_no_better_there(draw: Any) -> None:
    found = [expanded_bootstrap(values, resamples=500) for values in draw(np.random.default_rng(9), (1000, 12))]
    assert STATED[draw][0] - 0.05 <= np.mean([low <= 0 <= high for low, high in found]) <= STATED[draw][1] + 0.05


@given(st.floats(-3, 3), st.floats(0, 3), st.floats(0, 5))
def test_an_interval_lies_within_a_margin_or_sticks_out(low: float, width: float, margin: float) -> None:
    interval = Interval(low, low + width)
    assert interval.within(margin) == (max(abs(interval.low), abs(interval.high)) <= margin)


def test_a_tolerance_is_asked_of_the_whole_interval() -> None:
    values = np.array([-0.1, 0.1] * 6)
    assert student(values).within(0.1)
    assert not student(values).within(0.03)
    assert not student(np.array([0.0])).within(1.0)


def test_a_noisy_measurement_lies_within_no_tolerance() -> None:
    draws = np.random.default_rng(7).normal(0, 1.0, size=(200, 12))
    assert not any(student(values).within(0.3) for values in draws)


def test_equal_seeds_have_an_interval_without_width() -> None:
    assert student(np.ones(4)) == (1.0, 1.0)


def test_means_over_seeds_leave_out_what_is_missing_and_nothing_else() -> None:
    points = np.random.default_rng(10).normal(size=(2, 3, 5))
    points[0, 1, 2], points[1, 2, :4], points[1, 0] = np.nan, np.inf, np.nan
    mean, low, high = over_seeds(points)
    for place in np.ndindex(2, 3):
        held = points[place][np.isfinite(points[place])]
        expected = (held.mean() if len(held) else np.nan, *student(held))
        assert np.allclose((mean[place], low[place], high[place]), expected, rtol=1e-14, equal_nan=True)


SHARE, POSITIVE = (0.0, 1.0), (0.0, np.inf)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_an_interval_of_a_share_stays_between_0_and_1(values: list[float]) -> None:
    mean, low, high = over_seeds(np.array([values]), SHARE)
    assert 0 <= low[0] <= mean[0] + 1e-12
    assert mean[0] - 1e-12 <= high[0] <= 1


def test_an_interval_of_a_loss_is_over_0_and_keeps_the_end_that_was_right() -> None:
    losses = np.array([[0.001, 0.002, 0.3]])
    plain_low, plain_high = t_interval(losses)
    low, high = t_interval(losses, within=POSITIVE)
    assert plain_low[0] < 0 < low[0]
    assert high[0] == plain_high[0]


def test_an_end_outside_of_the_range_is_that_of_the_same_quantile_on_the_scale_of_logits_or_logarithms() -> None:
    values = np.array([0.01, 0.02, 0.2])
    mean, half = values.mean(), stats.t.ppf(0.975, 2) * stats.sem(values)
    lower = special.expit(special.logit(mean) - half / (mean * (1 - mean)))
    assert t_interval(values, within=SHARE) == pytest.approx((lower, mean + half))
    assert t_interval(1 - values, within=SHARE) == pytest.approx((1 - mean - half, 1 - lower))
    assert t_interval(values, within=POSITIVE)[0] == pytest.approx(mean * np.exp(-half / mean))


def test_an_interval_inside_of_its_range_is_students() -> None:
    values = np.random.default_rng(4).uniform(0.4, 0.6, (30, 12))
    assert np.array_equal(t_interval(values, within=SHARE), t_interval(values))


DRAWN: dict[str, tuple[Any, float, tuple[float, float]]] = {
    "good accuracies": (lambda chance, shape: chance.beta(29.1, 0.9, shape), 0.97, SHARE),
    "accuracies at both ends": (lambda chance, shape: chance.beta(0.3, 0.3, shape), 0.5, SHARE),
    "skewed losses": (lambda chance, shape: chance.lognormal(0, 1, shape), float(np.exp(0.5)), POSITIVE),
}


@pytest.mark.parametrize("seeds", [2, 3, 12])
@pytest.mark.parametrize("name", DRAWN)
def test_to_stay_in_the_range_costs_no_coverage(name: str, seeds: int) -> None:
    draw, mean, within = DRAWN[name]
    values = draw(np.random.default_rng(5), (20_000, seeds))
    covered = [
        np.mean((low <= mean) & (mean <= high)) for low, high in (t_interval(values), t_interval(values, within=within))
    ]
    assert abs(covered[0] - covered[1]) <= 0.003
