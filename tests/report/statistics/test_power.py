"""A plan of seeds has the power it promises at its bounds; what it delivers is in benchmarks/calibration.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.report.statistics.power import MOST_PLANNED, POWER, fewest, planned_seeds, power


@given(st.floats(-2, 2), st.floats(0.01, 3), st.floats(0, 1), st.integers(1, 40), st.integers(1, 3))
def test_the_fewest_seeds_have_the_power_and_none_is_too_many(
    effect: float, deviation: float, margin: float, family: int, attempts: int
) -> None:
    n = fewest(effect, deviation, margin, family, attempts)
    if n is None:
        assert power(effect, deviation, margin, MOST_PLANNED, family, attempts) < POWER
    else:
        assert n >= 12
        assert power(effect, deviation, margin, n, family, attempts) >= POWER
        assert n == 12 or power(effect, deviation, margin, n - 1, family, attempts) < POWER


def test_nothing_plans_an_effect_at_the_very_edge() -> None:
    assert fewest(0.5, 1.0, 0.5) is None
    assert fewest(0.5, 0.0, 0.0) == 12
    values = np.random.default_rng(0).normal(size=12)
    assert planned_seeds(values - values.mean() + 0.5, 0.5) is None


@pytest.mark.parametrize("effect", [2.0, 0.1])
def test_a_plan_is_made_at_bounds_and_so_asks_for_more_seeds_than_what_was_seen(effect: float) -> None:
    values = np.random.default_rng(1).normal(size=12)
    values = effect + (values - values.mean()) / values.std(ddof=1)
    planned, as_seen = planned_seeds(values, 1.0), fewest(effect, 1.0, 1.0)
    assert planned is not None
    assert as_seen is not None
    assert planned > as_seen
    assert planned_seeds(-values, 1.0) == planned
    assert planned_seeds(values, 1.0, family=20) > planned < planned_seeds(values, 1.0, attempts=2)


def test_without_a_spread_nothing_can_be_planned() -> None:
    assert planned_seeds(np.array([0.3]), 0.1) is None
    assert planned_seeds(np.array([]), 0.1) is None
