"""Columns that float32 can hold: nothing is rounded, and nothing changes where nothing has to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import DataConfig
from workbench.data import DATASETS, load, prepare
from workbench.data.columns import columns, narrowest
from workbench.data.dataset import Dataset

OFFSETS = [0.0, 3.0, -1e3, 1e6, 1e9, -1e12, 1.7e12]  # ids, years, milliseconds since 1970
SIZES = [1e-300, 1e-50, 1e-20, 1.0, 1e20, 1e160, 1e290]


def drawn(offset: float, size: float, dtype: type = np.float64, seed: int = 0) -> np.ndarray:
    return ((np.random.default_rng(seed).standard_normal((300, 3)) + offset) * size).astype(dtype)


def standardised(inputs: np.ndarray, dtype: str) -> np.ndarray:
    """All inputs as a network of that dtype reads them, by the engine's own arithmetic."""
    dataset = Dataset("toy", inputs, np.arange(len(inputs)) % 2, 2, None, 1.0, "")
    data = prepare(dataset, [0], [0.0], ["standard"], None, 0.2, 0.2)
    return data.inputs.astype(dtype) * data.scale[0].astype(dtype) + data.shift[0].astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("offset", OFFSETS)
def test_offset_and_size_of_a_column_leave_what_the_network_reads(offset: float, size: float, dtype: str) -> None:
    found, expected = standardised(drawn(offset, size), dtype), standardised(drawn(0, 1), dtype)
    # The offset itself has cost the numbers as they are given: eps of float64 at their size.
    np.testing.assert_allclose(found, expected, atol=1e-5 + 1e-15 * abs(offset))


@pytest.mark.parametrize("offset", [2000.0, 1.6e7])
def test_whole_numbers_that_float32_holds_are_standardised_without_loss(offset: float) -> None:
    years = (np.random.default_rng(1).integers(0, 30, (300, 3)) + offset).astype(np.float32)
    np.testing.assert_allclose(standardised(years, "float32"), standardised(years.astype(float), "float64"), atol=1e-6)


@given(
    offset=st.floats(-1e15, 1e15), size=st.integers(-1000, 1000), seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_values_units_and_origins_are_the_numbers_given(offset: float, size: int, seed: int, dtype: type) -> None:
    with np.errstate(over="ignore", under="ignore"):
        numbers = np.ldexp(drawn(offset, 1.0, dtype, seed), size)
    numbers[~np.isfinite(numbers)] = 1
    found = columns(numbers)
    np.testing.assert_array_equal(found.values.astype(np.float64) * found.unit + found.origin, numbers)
    assert set(np.frexp(found.unit)[0]) == {0.5}  # powers of two
    assert found.values.dtype == np.float64 or (found.values.astype(np.float32) == found.values).all()
    assert np.abs(found.values).max() < 2.0**41


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - {"npz", "mnist", "fashion_mnist"}))
def test_our_own_datasets_are_computed_with_as_they_are(name: str) -> None:
    dataset = load(DataConfig(name=name))
    assert dataset.columns.values is dataset.inputs
    if not dataset.classes:
        assert columns(dataset.targets).values is dataset.targets


def test_images_are_left_alone() -> None:
    images = np.full((5, 3), 255, np.uint8)
    images[0] = 254
    assert columns(images).values is images
    assert narrowest(images) is images


@pytest.mark.parametrize("value", [0.0, 1e-300, -5.0, 1e12, 1.7e308])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_column_is_0(value: float, dtype: str) -> None:
    assert (standardised(np.full((20, 2), value), dtype) == 0).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("offset", OFFSETS)
def test_targets_are_standardised_at_any_offset_and_size_and_there_is_a_way_back(offset: float, size: float) -> None:
    targets = drawn(offset, size)
    data = prepare(
        Dataset("toy", drawn(0, 1), targets, 0, None, 1.0, ""), [0, 1], [0.0] * 2, ["none"] * 2, None, 0.2, 0.2
    )
    plain = prepare(
        Dataset("toy", drawn(0, 1), drawn(0, 1), 0, None, 1.0, ""), [0, 1], [0.0] * 2, ["none"] * 2, None, 0.2, 0.2
    )
    for name in ("train", "validation", "test"):
        part = getattr(data, name)
        np.testing.assert_allclose(part.targets, getattr(plain, name).targets, atol=1e-9 + 1e-15 * abs(offset))
        back = part.targets * data.target_scale[:, None] + data.target_shift[:, None]
        np.testing.assert_allclose(back, targets[part.index], rtol=1e-13, atol=1e-13 * size)
    assert data.take(np.array([1])).target_scale.shape == (1, 3)


@pytest.mark.parametrize("name", ["none", "unit"])
@pytest.mark.parametrize("offset", OFFSETS)
def test_inputs_that_are_not_standardised_are_what_they_are(offset: float, name: str) -> None:
    inputs = drawn(offset, 1.0)
    largest = float(np.abs(inputs).max())
    data = prepare(Dataset("toy", inputs, np.arange(300) % 2, 2, None, largest, ""), [0], [0.0], [name], None, 0.2, 0.2)
    np.testing.assert_allclose(data.inputs * data.scale[0] + data.shift[0], inputs / (1 if name == "none" else largest))
