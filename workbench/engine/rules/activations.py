"""Activation functions: a neuron's output a for its z, and the derivative da/dz.

An elementwise activation is two functions: `value(z, slope) = a` and `derivative(z, a, slope) = da/dz`. Both consist of
plain arithmetic and NumPy ufuncs, so the same lines work on arrays of both backends. `slope` is the slope left of zero,
for the few activations that have one. Constants stay Python numbers: they adopt the dtype of the array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.engine.backend import Array


@dataclass(frozen=True)
class Activation:
    """One row of `ACTIVATIONS`.

    `init` names the usual initial weights (a row of `INITIALIZERS`); `steepest` is the largest derivative, against
    which saturation is measured; `slope_derivative(z)` is da/dslope, given only if the slope is learned; `reads` names
    the settings it needs: "slope", "pieces". `layer` is the kind of its hidden layers, a row of `LAYERS`. It is "dense"
    unless a unit is more than a function of one z.
    """

    summary: str
    value: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array, Array], Array]
    init: str
    steepest: float = 1.0
    slope_derivative: Callable[[Array], Array] | None = None
    reads: tuple[str, ...] = ()
    layer: str = "dense"

    def forward(self, z: Array, slope: Array, out: Array) -> None:
        """Write a for z, both (runs, batch, units)."""
        out[...] = self.value(z, slope)

    def backward(self, dl_da: Array, z: Array, a: Array, slope: Array, out: Array) -> None:
        """Write dl/dz = dl/da * sigma'(z), the gain of the reversed network's neuron. `out` may be `z` itself."""
        np.multiply(dl_da, self.derivative(z, a, slope), out=out)

    def gain(self, z: Array, a: Array, slope: Array) -> Array:
        """How much of a change passes through each unit: (runs, batch, units)."""
        return self.derivative(z, a, slope) * a.dtype.type(1)


def _sigmoid(z: Array, slope: Array) -> Array:
    return np.tanh(z * 0.5) * 0.5 + 0.5  # the same as 1 / (1 + exp(-z)), without its overflow


def _sigmoid_derivative(z: Array, a: Array, slope: Array) -> Array:
    return a * (1 - a)


def _tanh(z: Array, slope: Array) -> Array:
    return np.tanh(z)


def _tanh_derivative(z: Array, a: Array, slope: Array) -> Array:
    return 1 - a * a


def _relu(z: Array, slope: Array) -> Array:
    return np.maximum(z, 0)


def _relu_derivative(z: Array, a: Array, slope: Array) -> Array:
    return z > 0


def _leaky_relu(z: Array, slope: Array) -> Array:
    return np.maximum(z, 0) + slope * np.minimum(z, 0)


def _leaky_relu_derivative(z: Array, a: Array, slope: Array) -> Array:
    return (z > 0) + slope * (z <= 0)


def _softplus(z: Array, slope: Array) -> Array:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _softplus_derivative(z: Array, a: Array, slope: Array) -> Array:
    return -np.expm1(-a)  # sigma(z) = 1 - exp(-softplus(z))


def _identity(z: Array, slope: Array) -> Array:
    return z


def _identity_derivative(z: Array, a: Array, slope: Array) -> Array:
    return np.ones_like(a)


def _left_of_zero(z: Array) -> Array:
    return np.minimum(z, 0)


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation("1 / (1 + exp(-z))", _sigmoid, _sigmoid_derivative, init="glorot", steepest=0.25),
    "tanh": Activation("hyperbolic tangent", _tanh, _tanh_derivative, init="glorot"),
    "relu": Activation("max(z, 0)", _relu, _relu_derivative, init="he"),
    "leaky_relu": Activation(
        "z, or slope * z if z is negative", _leaky_relu, _leaky_relu_derivative, init="he", reads=("slope",)
    ),
    "prelu": Activation(
        "leaky ReLU whose slopes, one a unit, are learned",
        _leaky_relu,
        _leaky_relu_derivative,
        init="he",
        slope_derivative=_left_of_zero,
        reads=("slope",),
    ),
    # The maximum of two pieces keeps the variance of one. He's factor 2 compensates for the half that ReLU loses; here
    # it would double the variance with every layer.
    "maxout": Activation(
        "the largest of a unit's pieces",
        _identity,
        _identity_derivative,
        init="glorot",
        reads=("pieces",),
        layer="maxout",
    ),
    "softplus": Activation("ln(1 + exp(z))", _softplus, _softplus_derivative, init="he"),
    "identity": Activation("z itself: a linear network", _identity, _identity_derivative, init="glorot"),
}
