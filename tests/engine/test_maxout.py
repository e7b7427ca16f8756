"""Maxout: a unit is its largest piece, what comes back goes to that piece, and a second piece of zero is a ReLU."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.engine.layers.base import Batch
from workbench.engine.layers.maxout import BoundMaxout, Maxout
from workbench.engine.rules.activations import ACTIVATIONS

RUNS, EXAMPLES = 2, 6
DTYPES = [np.float32, np.float64]


def at(z: np.ndarray, pieces: int) -> BoundMaxout:
    """A layer whose z are these, (runs, batch, pieces * units), and what it makes of them."""
    runs, size, rows = z.shape
    layer, batch = Maxout((3,), rows // pieces, pieces=pieces), Batch(runs, size, z.dtype, np, np.zeros(runs, z.dtype))
    parameters = {"weights": np.zeros((runs, rows, 3), z.dtype), "biases": np.zeros((runs, rows), z.dtype)}
    bound = layer.bind(parameters, None, batch)
    bound.z[...] = z
    bound.activate(out=bound.a)
    return bound


def reversed_by(bound: BoundMaxout, dl_da: np.ndarray) -> np.ndarray:
    out = np.full_like(bound.z, np.nan)
    bound.reverse(dl_da, out=out)
    return out


@pytest.mark.parametrize("pieces", [2, 3, 5])
def test_a_unit_is_its_largest_piece_and_the_gradient_goes_to_it(pieces: int) -> None:
    draw, units = np.random.default_rng(0), 4
    z, dl_da = draw.normal(size=(RUNS, EXAMPLES, pieces * units)), draw.normal(size=(RUNS, EXAMPLES, units))
    by_piece, bound = z.reshape(RUNS, EXAMPLES, pieces, units), at(z, pieces)
    assert np.array_equal(bound.a, by_piece.max(axis=2))
    winner = np.arange(pieces)[None, None, :, None] == by_piece.argmax(axis=2)[:, :, None, :]
    assert np.array_equal(reversed_by(bound, dl_da), (dl_da[:, :, None, :] * winner).reshape(z.shape))


def test_where_pieces_tie_the_first_wins_alone() -> None:
    found = reversed_by(at(np.ones((1, 1, 6)), 3), np.ones((1, 1, 2)))
    assert found.ravel().tolist() == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_second_piece_of_zero_makes_exactly_a_relu(dtype: type) -> None:
    half = np.linspace(-6, 6, 24).reshape(1, 2, 12).astype(dtype)
    bound, relu, slope = at(np.concatenate([half, np.zeros_like(half)], axis=-1), 2), ACTIVATIONS["relu"], np.zeros(1)
    a, dl_dz = np.empty_like(half), np.empty_like(half)
    relu.forward(half, slope, out=a)
    assert np.array_equal(bound.a, a)
    dl_da = np.random.default_rng(0).normal(size=half.shape).astype(dtype)
    relu.backward(dl_da, half, a, slope, out=dl_dz)
    assert np.array_equal(reversed_by(bound, dl_da)[..., :12], dl_dz)


def test_the_gradient_may_be_written_over_z() -> None:
    bound, dl_da = at(np.random.default_rng(0).normal(size=(RUNS, EXAMPLES, 12)), 3), np.ones((RUNS, EXAMPLES, 4))
    expected = reversed_by(bound, dl_da)
    bound.reverse(dl_da, out=bound.z)
    assert np.array_equal(bound.z, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_pieces_overflow_nowhere_and_every_unit_passes_all_on(dtype: type) -> None:
    bound = at(np.array([[[-1e4, -100.0, 100.0, 1e4]]], dtype), 2)
    with np.errstate(all="raise"):
        assert np.isfinite(reversed_by(bound, np.ones((1, 1, 2), dtype))).all()
    assert np.array_equal(bound.gain(), np.ones((1, 1, 2), dtype))
