"""The network computed neuron by neuron, as sums over inputs, against the engine's matrix products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.config import RunConfig
from workbench.engine.layers.base import Parameters
from workbench.engine.layers.dense import Dense
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.measure.measurement import Measurement
from workbench.measure.subject import Subject, largest_error, subject
from workbench.sweep.instruments import Measured

MATRIX_EXAMPLES = 8


def neuron(weights: list[float], bias: float, inputs: list[float]) -> float:
    """z of one neuron: the weighted sum of its inputs, plus its bias."""
    z = bias
    for weight, x in zip(weights, inputs, strict=True):
        z += weight * x
    return z


def layer_by_neurons(shape: Dense, tensors: Parameters, slope: float, inputs: list[float]) -> list[float]:
    """The outputs of one layer for one example, one neuron after the other."""
    weights, biases = tensors["weights"][0].tolist(), tensors["biases"][0].tolist()
    z = [neuron(row, bias, inputs) for row, bias in zip(weights, biases, strict=True)]
    if shape.rows > shape.units:  # maxout: the largest piece of each unit; row = piece * units + unit
        return [max(z[unit :: shape.units]) for unit in range(shape.units)]
    slopes = tensors["slopes"][0].tolist() if "slopes" in tensors else [slope] * shape.units
    value: Callable[..., np.float64] = ACTIVATIONS[shape.activation].value  # type: ignore[assignment]
    return [float(value(np.float64(one), np.float64(own))) for one, own in zip(z, slopes, strict=True)]


def outputs_by_neurons(of: Subject) -> np.ndarray:
    """The outputs of a network, (examples, outputs), without matrix products."""
    result = []
    for example in of.inputs.tolist():
        for shape, tensors in zip(of.layout.dense_layers, of.layout.views(of.parameters), strict=True):
            example = layer_by_neurons(shape, tensors, of.slope, example)
        result.append(example)
    return np.array(result)


def _matrix_form(config: RunConfig) -> Measured:
    of = subject(config, MATRIX_EXAMPLES)
    return Measured({"matrix_form_error": largest_error(of.network().forward()[0], outputs_by_neurons(of))})


MATRIX_FORM = {
    "matrix_form": Measurement(
        "outputs of the network in matrix form against those computed neuron by neuron: largest relative difference",
        ("data.name", "data.path", "network", "seed"),
        ("matrix_form_error",),
        _matrix_form,
    )
}
