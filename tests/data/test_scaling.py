"""Scaling: right moments, estimated on the run's own training split, the same in any company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.columns import columns
from workbench.data.scaling import SCALINGS, moments

TYPES = [np.uint8, np.float32]


def rows(dtype, examples: int = 90, features: int = 6, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 256, (examples, features))
    return values.astype(np.uint8) if dtype == np.uint8 else (values / 3.7 - 20).astype(np.float32)


def choose(splits: int, size: int, examples: int = 90, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.array([generator.permutation(examples)[:size] for _ in range(splits)])


@pytest.mark.parametrize("dtype", TYPES)
@given(size=st.integers(2, 90), splits=st.integers(1, 6), seed=st.integers(0, 999))
def test_moments_are_the_mean_and_the_deviation_of_the_chosen_rows(dtype, size, splits, seed):
    data, index = rows(dtype, seed=seed), choose(splits, size, seed=seed)
    mean, deviation = moments(data, index)
    chosen = data[index].astype(float)
    np.testing.assert_allclose(mean, chosen.mean(axis=1), rtol=1e-12, atol=1e-12)
    expected = chosen.std(axis=1)
    np.testing.assert_allclose(deviation, np.where(expected > 1e-9, expected, 1.0), rtol=1e-10)


@pytest.mark.parametrize("dtype", TYPES)
@given(size=st.integers(2, 90), splits=st.integers(1, 6), seed=st.integers(0, 999))
def test_standardised_training_inputs_have_mean_0_and_deviation_1(dtype, size, splits, seed):
    data, index = rows(dtype, seed=seed), choose(splits, size, seed=seed)
    scale, shift = SCALINGS["standard"].fit(columns(data), 255.0, index)
    standardised = data[index] * scale[:, None] + shift[:, None]
    np.testing.assert_allclose(standardised.mean(axis=1), 0, atol=1e-10)
    varies = np.ptp(data[index].astype(float), axis=1) > 0
    np.testing.assert_allclose(standardised.std(axis=1), varies, atol=1e-10)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_constant_feature_becomes_0_and_stays_finite(dtype, value):
    data = rows(dtype)
    data[:, 2] = value if dtype == np.uint8 else value / 3
    scale, shift = SCALINGS["standard"].fit(columns(data), 255.0, choose(4, 77))
    assert (scale[:, 2] == 1).all()
    values = columns(data).values[:, 2]
    np.testing.assert_allclose(values * scale[:, [2]] + shift[:, [2]], 0, atol=1e-12)


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("features", [1, 6])
@given(size=st.integers(1, 90), splits=st.integers(2, 9), seed=st.integers(0, 999))
def test_the_scaling_of_a_split_is_the_same_bit_for_bit_in_any_company(name, dtype, features, size, splits, seed):
    data, index = rows(dtype, features=features, seed=seed), choose(splits, size, seed=seed)
    together = SCALINGS[name].fit(columns(data), 255.0, index)
    for split in range(splits):
        alone = SCALINGS[name].fit(columns(data), 255.0, index[split : split + 1])
        for packed, single in zip(together, alone, strict=True):
            np.testing.assert_array_equal(packed[split], single[0])


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_not_trained_on_has_no_influence(name, dtype):
    data, index = rows(dtype), choose(1, 50)
    changed = data.copy()
    changed[np.setdiff1d(np.arange(len(data)), index)] = 99
    for before, after in zip(
        *(SCALINGS[name].fit(columns(inputs), 255.0, index) for inputs in (data, changed)), strict=True
    ):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", SCALINGS)
def test_every_row_gives_a_finite_scale_and_shift_per_split_and_feature(name):
    for values in SCALINGS[name].fit(columns(rows(np.uint8)), 255.0, choose(3, 40)):
        assert values.shape == (3, 6)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
    assert SCALINGS[name].summary


def test_unit_maps_the_largest_value_to_1_and_none_leaves_it():
    data, index = rows(np.uint8), choose(1, 40)
    scale, shift = SCALINGS["unit"].fit(columns(data), 16.0, index)
    np.testing.assert_array_equal(16.0 * scale + shift, 1.0)
    scale, shift = SCALINGS["none"].fit(columns(data), 16.0, index)
    np.testing.assert_array_equal(16.0 * scale + shift, 16.0)


def test_large_images_are_summed_exactly():
    # 60,000 squares of 255 exceed what 32-bit integers and float32 hold.
    data = np.full((60000, 2), 255, np.uint8)
    data[0, 1] = 254
    mean, deviation = moments(data, np.arange(60000)[None])
    np.testing.assert_array_equal(mean, [[255.0, 255 - 1 / 60000]])
    np.testing.assert_allclose(deviation, [[1.0, np.sqrt(59999) / 60000]], rtol=1e-14)


def test_rounding_does_not_make_a_constant_vary():
    # 0.1 has no exact double, so the mean of many is not quite 0.1.
    _, deviation = moments(np.full((90, 3), 0.1), choose(5, 77))
    assert (deviation == 1).all()


@pytest.mark.parametrize("power", [-1060, -540, -30, 0, 40, 540, 1000])
def test_the_deviation_neither_over_nor_underflows(power):
    data, index = rows(np.float32).astype(float), choose(3, 50)
    mean, deviation = moments(data, index)
    far, wide = moments(np.ldexp(data, power), index)
    np.testing.assert_allclose(far, np.ldexp(mean, power), rtol=1e-3 if power < -1000 else 1e-14)
    np.testing.assert_allclose(wide, np.ldexp(deviation, power), rtol=1e-3 if power < -1000 else 1e-14)


def test_the_deviation_is_numpy_s_to_the_last_bit():
    data, index = np.random.default_rng(4).normal(3, 9, (200, 7)), choose(4, 150, 200)
    for chosen, (mean, deviation) in zip(index, zip(*moments(data, index), strict=True), strict=True):
        np.testing.assert_array_equal(mean, data[chosen].mean(axis=0))
        np.testing.assert_array_equal(deviation, data[chosen].std(axis=0))
