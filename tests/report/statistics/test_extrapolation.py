"""Carrying a learning curve on: the law is found where it holds, and the two intervals say what they say."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.report.statistics.extrapolation import PowerLaw, carried_on, fit, misses, trusted_factor

EPOCHS = np.arange(1, 13)


@pytest.mark.parametrize("law", [PowerLaw(0.01, 0.2, 0.8), PowerLaw(0.0, 0.1, 0.3), PowerLaw(0.05, 0.5, 2.0)])
def test_a_curve_that_follows_the_law_is_carried_on_as_it_goes_on(law: PowerLaw) -> None:
    errors = np.array([law.at(epoch) for epoch in EPOCHS])
    assert fit(EPOCHS, errors).at(100) == pytest.approx(law.at(100), rel=0.05)


def test_a_curve_that_rises_is_carried_on_level() -> None:
    law = fit(EPOCHS, np.linspace(0.1, 0.2, len(EPOCHS)))
    assert law.scale == 0
    assert 0.1 < law.at(1000) < 0.2


def test_parameters_are_never_negative() -> None:
    law = fit(EPOCHS, 0.1 - 0.008 * EPOCHS)
    assert min(law) >= 0
    assert law.at(1e6) >= 0


def test_two_points_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 3 epochs or more, found 2"):
        fit(EPOCHS[:2], np.array([0.2, 0.1]))


def test_the_interval_holds_the_point_and_is_as_wide_as_seeds_differ() -> None:
    clean = np.array([0.02 + 0.2 / epoch for epoch in EPOCHS])
    point, narrow = carried_on(EPOCHS, np.stack([clean, clean, clean]), 100)
    assert narrow.low == pytest.approx(narrow.high) == pytest.approx(point)
    _, wide = carried_on(EPOCHS, np.stack([0.8 * clean, clean, 1.2 * clean]), 100)
    assert wide.low < point < wide.high
    assert carried_on(EPOCHS, np.stack([0.8 * clean, clean, 1.2 * clean]), 100)[1] == wide  # no chance between pages
    assert np.isnan(carried_on(EPOCHS, clean[None], 100)[1]).all()


def test_the_trusted_factor_is_the_split_conformal_bound() -> None:
    foretold, true = np.full(39, 0.1), 0.1 * np.exp(np.arange(1, 40) / 100)
    assert misses(foretold, true) == pytest.approx(np.arange(1, 40) / 100)
    assert np.log(trusted_factor(misses(foretold, true))) == pytest.approx(0.38)  # the 38th of 39
    assert np.log(trusted_factor(misses(true, foretold)[:5])) == pytest.approx(0.05)  # of five the largest
    assert np.isfinite(misses(np.zeros(1), np.ones(1))).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_trusted_factor_holds_as_often_as_it_says(seed: int) -> None:
    chance = np.random.default_rng(seed)
    missed = np.abs(chance.normal(size=(2000, 20)))
    held = [abs(chance.normal()) <= np.log(trusted_factor(row)) for row in missed]
    assert np.mean(held) >= 0.93
