"""Maxout: ReLU as a special case, and the thin linear network to which each example reduces it."""

from __future__ import annotations

import numpy as np

from workbench.config import RunConfig
from workbench.engine.errors import BadInput
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.measure.gradients import pattern
from workbench.measure.measurement import Measurement
from workbench.measure.subject import Subject, largest_error, subject
from workbench.sweep.instruments import Measured

MAXOUT_EXAMPLES = 64


def as_maxout(of: Subject) -> tuple[Layout, np.ndarray]:
    """The layout and parameters, (1, size), of a maxout network whose second pieces are fixed at zero."""
    depth, width = len(of.layout.layers) - 1, of.layout.layers[0].outputs[0]
    layout = Layout(Architecture(of.layout.inputs, of.layout.outputs, depth, width, "maxout", pieces=2))
    parameters = np.zeros((1, layout.size))
    for own, relu in zip(layout.views(parameters), of.layout.views(of.parameters), strict=True):
        for name, tensor in relu.items():
            own[name][:, : tensor.shape[1]] = tensor
    return layout, parameters


def _only(config: RunConfig, allowed: tuple[str, ...]) -> None:
    if config.network.activation not in allowed:
        raise BadInput(
            f"network.activation is {config.network.activation!r}; allowed with measure={config.measure}: "
            f"{' or '.join(allowed)}"
        )


def _relu_as_maxout(config: RunConfig) -> Measured:
    _only(config, ("relu",))
    of = subject(config, MAXOUT_EXAMPLES)
    layout, parameters = as_maxout(of)
    network = Network(layout, parameters, None, np.zeros(1), MAXOUT_EXAMPLES)
    network.inputs[0] = of.inputs
    return Measured({"relu_as_maxout_error": largest_error(network.forward()[0], of.network().forward()[0])})


def thin_network(of: Subject, example: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A (outputs, features) and c (outputs,) of the linear network around one example: f(x) = A x + c near it.

    Each maxout unit keeps only its largest piece for the example, each ReLU the side of its kink that z is on.
    """
    matrix, shift = np.eye(len(example)), np.zeros(len(example))
    for shape, tensors in zip(of.layout.dense_layers, of.layout.views(of.parameters), strict=True):
        weights, biases = tensors["weights"][0], tensors["biases"][0]
        z = weights @ (matrix @ example + shift) + biases
        if shape.rows > shape.units:
            kept = z.reshape(-1, shape.units).argmax(axis=0) * shape.units + np.arange(shape.units)
            weights, biases = weights[kept], biases[kept]
        elif shape.activation == "relu":
            weights, biases = weights * (z > 0)[:, None], biases * (z > 0)
        matrix, shift = weights @ matrix, weights @ shift + biases
    return matrix, shift


def _thin_networks(config: RunConfig) -> Measured:
    _only(config, ("relu", "maxout"))
    of = subject(config, MAXOUT_EXAMPLES)
    network = of.network()
    outputs = network.forward()[0]
    patterns = pattern(network).reshape(len(network.layers) - 1, MAXOUT_EXAMPLES, -1)
    thin = [thin_network(of, example) for example in of.inputs]
    found = np.stack([matrix @ example + shift for (matrix, shift), example in zip(thin, of.inputs, strict=True)])
    distinct = len({patterns[:, example].tobytes() for example in range(MAXOUT_EXAMPLES)})
    return Measured(
        {"thin_network_error": largest_error(found, outputs), "thin_networks_per_example": distinct / MAXOUT_EXAMPLES}
    )


MAXOUT = {
    "relu_as_maxout": Measurement(
        "outputs of a ReLU network against those of maxout with its second pieces fixed at zero: largest difference",
        ("data.name", "data.path", "network", "seed"),
        ("relu_as_maxout_error",),
        _relu_as_maxout,
    ),
    "thin_networks": Measurement(
        "a maxout (or ReLU) network against the thin linear network of each example; distinct ones per example",
        ("data.name", "data.path", "network", "seed"),
        ("thin_network_error", "thin_networks_per_example"),
        _thin_networks,
    ),
}
