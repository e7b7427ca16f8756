"""The interval that decides: where Student's is too short it is wider, and nowhere narrower."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.report.statistics.bootstrap_t import bootstrap_t, deciding_interval
from workbench.report.statistics.intervals import INTERVALS, Interval
from workbench.report.statistics.shape import apart, is_skewed, skewness

LISTS = st.lists(st.floats(-3, 3), min_size=2, max_size=14)


@given(LISTS)
def test_it_does_not_depend_on_the_order_and_mirrors_with_the_values(values: list[float]) -> None:
    found = deciding_interval(np.array(values))
    assert deciding_interval(np.array(values[::-1])) == pytest.approx(found, rel=1e-9, abs=1e-12)
    mirrored = deciding_interval(-np.array(values))
    assert (-mirrored.high, -mirrored.low) == pytest.approx(found, rel=1e-9, abs=1e-12)


@given(LISTS, st.sampled_from(sorted(INTERVALS)))
def test_it_holds_the_interval_of_its_kind_and_widens_with_confidence(values: list[float], kind: str) -> None:
    held, of_kind = deciding_interval(np.array(values), kind=kind), INTERVALS[kind](np.array(values))
    assert held.low <= of_kind.low <= of_kind.high <= held.high
    wider = deciding_interval(np.array(values), 0.99, kind)
    assert wider.low <= held.low + 1e-12
    assert wider.high >= held.high - 1e-12


def test_bootstrap_t_takes_a_quarter_of_the_promised_error_on_either_side() -> None:
    values = np.random.default_rng(3).lognormal(size=12)
    found, of_t, other = deciding_interval(values, 0.96), INTERVALS["t"](values, 0.96), bootstrap_t(values, 0.99)
    assert found == (min(of_t.low, other.low), max(of_t.high, other.high))
    assert found.high == other.high > of_t.high


def test_it_reaches_out_to_the_long_side_of_skewed_values() -> None:
    values = np.random.default_rng(3).lognormal(size=12)
    found, student = bootstrap_t(values), INTERVALS["t"](values)
    assert found.high - values.mean() > 1.2 * (values.mean() - found.low)
    assert found.high > student.high


def test_ties_leave_it_finite_and_equal_values_without_width() -> None:
    assert np.isfinite(deciding_interval(np.array([0.0] * 11 + [1.0]))).all()
    assert deciding_interval(np.full(12, 0.25)) == Interval(0.25, 0.25)
    assert np.isnan(bootstrap_t(np.array([1.0]))).all()
    assert np.isnan(bootstrap_t(np.array([1.0, np.nan, 2.0]))).all()


def test_many_values_are_resampled_in_parts() -> None:
    values = np.random.default_rng(4).normal(size=400)
    assert bootstrap_t(values) == pytest.approx(INTERVALS["t"](values), abs=0.01)
    assert bootstrap_t(values) == bootstrap_t(values)


def test_skewness_is_judged_by_the_number_of_values() -> None:
    values = np.array([0.0] * 11 + [1.0])
    assert skewness(values) == pytest.approx(3.015, abs=0.001)
    assert is_skewed(values)
    assert not is_skewed(np.tile(values, 12))
    assert skewness(np.full(5, 0.3)) == 0.0
    assert not is_skewed(np.random.default_rng(5).normal(size=12))


def test_the_smaller_part_behind_a_wide_gap_stands_apart() -> None:
    values = np.concatenate([np.random.default_rng(8).normal(size=9), [-20.0, -20.1, -19.9]])
    assert apart(values).tolist() == [False] * 9 + [True] * 3
    assert not apart(values, least=30.0).any()  # a gap that is smaller than what matters is none
    assert not apart(values[:9]).any()
    assert not apart(np.array([0.0, 0.0, 9.0, 9.0])).any()  # neither part is the smaller one
    assert not apart(np.array([1.0])).any()
