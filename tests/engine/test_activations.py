"""Every activation is its formula, its derivative is the derivative, and it computes in the dtype it is given."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log1p, tanh

import numpy as np
import pytest

from workbench.engine.layers import LAYERS
from workbench.engine.rules.activations import ACTIVATIONS

SLOPE = 0.15
Z = np.concatenate([np.linspace(-6, 6, 241) + 0.0123, [-40.0, 40.0]]).reshape(1, 1, -1)  # no kink is hit
DTYPES = [np.float32, np.float64]
NAIVE: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda z: 1 / (1 + exp(-z)),
    "tanh": tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else SLOPE * z,
    "prelu": lambda z: z if z > 0 else SLOPE * z,
    "softplus": lambda z: log1p(exp(z)) if z < 30 else z,
    "identity": lambda z: z,
}
ELEMENTWISE = list(NAIVE)


def slope_like(z: np.ndarray) -> np.ndarray:
    return np.full((len(z), 1, 1), SLOPE, z.dtype)


def forward(name: str, z: np.ndarray) -> np.ndarray:
    """a for z."""
    out = np.empty_like(z)
    ACTIVATIONS[name].forward(z, slope_like(z), out)
    return out


def backward(name: str, dl_da: np.ndarray, z: np.ndarray, a: np.ndarray) -> np.ndarray:
    out = np.full_like(z, np.nan)
    ACTIVATIONS[name].backward(dl_da, z, a, slope_like(z), out)
    return out


def test_every_activation_is_covered() -> None:
    of_layers = {name for name, row in ACTIVATIONS.items() if row.layer != "dense"}  # they choose; nothing follows it
    assert NAIVE.keys() | of_layers == ACTIVATIONS.keys()


def test_every_activation_makes_layers_of_a_kind_that_there_is() -> None:
    assert {row.layer for row in ACTIVATIONS.values()} <= LAYERS.keys()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_value_is_the_formula(name: str) -> None:
    expected = [NAIVE[name](float(z)) for z in Z.ravel()]
    np.testing.assert_allclose(forward(name, Z).ravel(), expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_derivative_is_the_difference_quotient(name: str) -> None:
    step = 1e-6
    quotient = (forward(name, Z + step) - forward(name, Z - step)) / (2 * step)
    derivative = backward(name, np.ones_like(Z), Z, forward(name, Z))
    np.testing.assert_allclose(derivative, quotient, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_steepest_derivative_is_the_one_named(name: str) -> None:
    derivative = backward(name, np.ones_like(Z), Z, forward(name, Z))
    assert derivative.max() == pytest.approx(ACTIVATIONS[name].steepest, rel=1e-3)


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.slope_derivative])
def test_the_derivative_by_a_learned_slope_is_the_difference_quotient(name: str) -> None:
    row, step = ACTIVATIONS[name], 1e-6
    assert row.slope_derivative is not None
    ahead, behind = (row.value(Z, slope_like(Z) + sign * step) for sign in (1, -1))
    np.testing.assert_allclose(row.slope_derivative(Z), (ahead - behind) / (2 * step), atol=1e-8)


def test_at_its_kink_a_relu_passes_nothing() -> None:
    z = np.zeros((1, 1, 3))
    assert not backward("relu", np.ones_like(z), z, forward("relu", z)).any()
    assert (backward("leaky_relu", np.ones_like(z), z, forward("leaky_relu", z)) == SLOPE).all()


def test_a_leaky_relu_of_slope_zero_is_a_relu() -> None:
    row, none = ACTIVATIONS["leaky_relu"], np.zeros((1, 1, 1))
    a = row.value(Z, none)
    assert np.array_equal(a, forward("relu", Z))
    assert np.array_equal(row.derivative(Z, a, none), ACTIVATIONS["relu"].derivative(Z, a, none))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_gradient_may_be_written_over_z(name: str) -> None:
    dl_da = np.random.default_rng(0).normal(size=Z.shape)
    expected = backward(name, dl_da, Z, forward(name, Z))
    z, a = Z.copy(), forward(name, Z)
    ACTIVATIONS[name].backward(dl_da, z, a, slope_like(z), out=z)
    assert np.array_equal(z, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_silently_becomes_double(name: str, dtype: type) -> None:
    row, z = ACTIVATIONS[name], Z.astype(dtype)
    slope, a = slope_like(z), forward(name, z)
    assert row.value(z, slope).dtype == dtype
    assert (z * row.derivative(z, a, slope)).dtype == dtype
    assert row.derivative(z, a, slope).dtype in (dtype, np.dtype(bool))
    assert row.gain(z, a, slope).dtype == dtype
    if row.slope_derivative:
        assert row.slope_derivative(z).dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_huge_inputs_overflow_nowhere(name: str, dtype: type) -> None:
    z = np.array([[[-1e4, -100.0, 100.0, 1e4]]], dtype)
    with np.errstate(all="raise", under="ignore"):
        a = forward(name, z)
        assert np.isfinite(a).all()
        assert np.isfinite(backward(name, np.ones_like(z), z, a)).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_gain_is_what_passes_through_each_unit(name: str) -> None:
    gain = ACTIVATIONS[name].gain(Z, forward(name, Z), slope_like(Z))
    expected = backward(name, np.ones_like(Z), Z, forward(name, Z))
    assert np.array_equal(gain, np.broadcast_to(expected, gain.shape))
