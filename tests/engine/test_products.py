"""The compiled kernel's own matrix products are NumPy's, whatever the shapes, and write nothing beyond their result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba", reason="runs where Numba is installed")

from workbench.engine.kernels.compiled import products
from workbench.engine.kernels.compiled.jit import compiled
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.tile import HEIGHTS, LANES, PANEL

# Every height of a tile, ragged and full panels, depths under a vector, over one panel's depth, and of several of them.
SHAPES = [
    (batch, fan_in, rows)
    for batch in (1, sum(HEIGHTS), 33)
    for fan_in in (1, LANES - 1, LANES + 1, products.PANEL_DEPTH, 2 * products.PANEL_DEPTH + 3)
    for rows in (1, LANES, LANES + 1, PANEL, 2 * PANEL + 5)
] + [(products.PANEL_DEPTH + 7, 5, 10)]
LARGE = 131, 393, 331  # so many multiplications that panels are copied; ragged in every direction
MARGIN, MARK = PANEL, np.float32(7)


class Layer:
    """Random x, W, b and dl/dz in flat arrays, each with a margin on both sides that must stay as it is."""

    def __init__(self, batch: int, fan_in: int, rows: int) -> None:
        draw = np.random.default_rng([batch, fan_in, rows])
        self.batch, self.shape = batch, (rows, fan_in)
        self.x = draw.standard_normal((batch, fan_in)).astype(np.float32)
        self.weights = draw.standard_normal((rows, fan_in)).astype(np.float32)
        self.biases = draw.standard_normal(rows).astype(np.float32)
        self.dl_dz = draw.standard_normal((batch, rows)).astype(np.float32)
        row = [flat(self.weights), flat(self.biases)]
        self.row, biases_at = np.concatenate(row), row[0].size + MARGIN
        self.places = np.array([[MARGIN, biases_at, 0, rows, fan_in, rows, 0, 0, 0, 0, products.tiles()]], np.int64)
        self.zeros = np.zeros(PANEL, np.float32)


def flat(array: Any) -> np.ndarray:
    edge = np.full(MARGIN, MARK)
    return np.concatenate([edge, np.ravel(array), edge]).astype(np.float32)


def assert_holds(found: np.ndarray, expected: np.ndarray, terms: int) -> None:
    """The result stands between the margins, right within the rounding of a sum of so many terms; the margins stand."""
    np.testing.assert_array_equal(found[:MARGIN], MARK)
    np.testing.assert_array_equal(found[MARGIN + expected.size :], MARK)
    inside = found[MARGIN : MARGIN + expected.size].reshape(expected.shape)
    np.testing.assert_allclose(inside, expected, rtol=1e-5, atol=3e-7 * terms)


@pytest.mark.parametrize(("batch", "fan_in", "rows"), [*SHAPES, LARGE])
def test_every_product_is_numpy_s_within_its_rounding(batch: int, fan_in: int, rows: int) -> None:
    layer = Layer(batch, fan_in, rows)
    double = [array.astype(np.float64) for array in (layer.x, layer.weights, layer.biases, layer.dl_dz)]
    x, weights, biases, dl_dz = double

    z = flat(np.full((batch, rows), np.nan))
    panel = np.full(products.PANEL_SIZE, np.nan, np.float32)
    products.weighted_sums(layer.row, 0, layer.places, 0, flat(layer.x), MARGIN, batch, z, MARGIN, panel)
    assert_holds(z, x @ weights.T + biases, fan_in)

    g = flat(np.full(layer.shape, np.nan))
    given, below = flat(layer.dl_dz), flat(layer.x)
    products.weight_gradient(given, MARGIN, batch, below, MARGIN, layer.places, 0, g, layer.zeros, panel)
    assert_holds(g, dl_dz.T @ x, batch)

    dl_dx = np.full(batch * fan_in + LANES, MARK)
    products.through_weights(given, MARGIN, batch, layer.row, 0, layer.places, 0, dl_dx, layer.zeros, panel)
    assert_holds(np.concatenate([np.full(MARGIN, MARK), dl_dx]), dl_dz @ weights, rows)

    row = np.full_like(layer.row, MARK)
    products.column_sums(given, MARGIN, batch, layer.places, 0, np.ones(1, np.float32), row, layer.zeros)
    expected = np.full_like(row, MARK)
    expected[-MARGIN - rows : -MARGIN] = layer.dl_dz.cumsum(axis=0)[-1]
    np.testing.assert_array_equal(row, expected)


@compiled
def gradient_by_parts(dl_dz, batch, x, places, g, zeros, panel, size):  # type: ignore[no-untyped-def]
    rows = places[0, products.ROW_COUNT]
    for first in range(0, rows, size):
        last = min(first + size, rows)
        products.some_weight_gradient(dl_dz, MARGIN, batch, x, MARGIN, places, 0, g, zeros, panel, first, last)


def test_a_product_that_copies_its_panels_is_the_same_bit_for_bit() -> None:
    batch, fan_in, rows = LARGE
    few = 16  # rows at a time
    assert batch * fan_in * few < products._LARGE_PRODUCT <= batch * fan_in * rows
    layer, panel = Layer(*LARGE), np.full(products.PANEL_SIZE, np.nan, np.float32)
    whole, by_parts = flat(np.zeros(layer.shape)), flat(np.zeros(layer.shape))
    given, below = flat(layer.dl_dz), flat(layer.x)
    gradient_by_parts(given, batch, below, layer.places, by_parts, layer.zeros, panel, few)
    assert np.isnan(panel).all()
    gradient_by_parts(given, batch, below, layer.places, whole, layer.zeros, panel, rows)
    assert not np.isnan(panel[: batch * PANEL]).any()
    np.testing.assert_array_equal(whole, by_parts)


def test_what_is_not_a_number_spreads_to_its_own_row_and_no_further() -> None:
    layer = Layer(9, 20, 5)
    layer.x[3, 4] = np.nan
    z = flat(np.zeros((9, 5)))
    panel = np.full(products.PANEL_SIZE, np.nan, np.float32)
    products.weighted_sums(layer.row, 0, layer.places, 0, flat(layer.x), MARGIN, 9, z, MARGIN, panel)
    of_rows = np.isnan(z[MARGIN:-MARGIN].reshape(9, 5))
    assert of_rows[3].all()
    assert of_rows.sum() == 5


@compiled
def count_up(array, at, size):  # type: ignore[no-untyped-def]
    inside = part(array, at, size)
    for i in range(inside.size):
        inside[i] = i


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
def test_a_part_is_the_array_itself_from_a_place_on(dtype: type) -> None:
    array = np.full(10, 9, dtype)
    count_up(array, 3, 4)
    np.testing.assert_array_equal(array, [9, 9, 9, 0, 1, 2, 3, 9, 9, 9])
