"""The identities of backpropagation, each tested against its derivation and not against the engine's own passes.

Derivatives are central differences in float64, of all parameters at once: the perturbed networks are the runs of one
pack. A parameter whose perturbation moves a unit across a kink is left out; the share of parameters kept is reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.config import RunConfig
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.network import Network
from workbench.measure.measurement import Measurement
from workbench.measure.subject import Subject, largest_error, subject
from workbench.sweep.instruments import Measured

GRADIENT_EXAMPLES = 6
DIFFERENCE_STEP = 1e-5  # of a central difference: truncation and rounding are both far below 1e-6
# Losses for which dl/dz = y - target, with their output activation.
DELTA_IS_A_DIFFERENCE = ("cross_entropy", "binary_cross_entropy", "squared_error")
Masks = Sequence[np.ndarray | None]


def drawn_masks(of: Subject, config: RunConfig) -> Masks:
    """A dropout mask for the inputs and each hidden layer, (1, examples, units): 0, or 1 / (share kept)."""
    rates = [config.dropout.input_rate] + [config.dropout.rate] * config.network.depth
    shape = len(of.inputs)
    return [
        (of.rng.random((1, shape, *layer.mask_shape)) >= rate) / (1 - rate) if rate else None
        for rate, layer in zip(rates, of.layout.dropout, strict=True)
    ]


def used_columns(of: Subject) -> np.ndarray:
    """The columns of the parameter buffer that hold a parameter and not padding."""
    marks = np.zeros((1, of.size))
    for view in of.layout.views(marks):
        for tensor in view.values():
            tensor[...] = 1
    return np.flatnonzero(marks[0])


def pattern(network: Network) -> np.ndarray:
    """Which side of its kink every hidden unit is on, (runs, everything): the piece that wins, or the sign of z."""
    signs = []
    for layer in network.dense_layers[:-1]:
        units = layer.a.shape[-1]
        pieces = layer.z.reshape(*layer.z.shape[:-1], -1, units)
        one_piece = pieces.shape[-2] == 1
        signs.append((layer.z > 0 if one_piece else pieces.argmax(axis=-2)).reshape(len(layer.z), -1))
    return np.concatenate(signs, axis=1) if signs else np.zeros((len(network.inputs), 0))


def backpropagated(of: Subject, masks: Masks = ()) -> np.ndarray:
    """The gradient of the summed loss by every parameter, (size,), by the engine's two passes."""
    network = of.network()
    network.backward(of.judge(network.forward(masks)).delta)
    return flat_gradient(of, network)


def flat_gradient(of: Subject, network: Network) -> np.ndarray:
    """The gradients of the first run of a network as a row of the buffer, (size,)."""
    row = np.zeros((1, of.size))
    for view, layer in zip(of.layout.views(row), network.layers, strict=True):
        for name, target in view.items():
            assert layer.gradients is not None
            target[0] = layer.gradients[name][0]
    return row[0]


def differences(of: Subject, masks: Masks = ()) -> tuple[np.ndarray, np.ndarray]:
    """Central differences of the summed loss by every parameter, and their columns. Kinks are left out."""
    columns = used_columns(of)
    rows = np.repeat(of.parameters, 2 * len(columns), axis=0)
    rows[np.arange(len(columns)), columns] += DIFFERENCE_STEP
    rows[len(columns) + np.arange(len(columns)), columns] -= DIFFERENCE_STEP
    network = of.network(rows)
    losses = of.judge(network.forward(masks)).losses.sum(axis=1).reshape(2, -1)
    sides = pattern(network).reshape(2, len(columns), -1)
    smooth = (sides[0] == sides[1]).all(axis=1)
    return ((losses[0] - losses[1]) / (2 * DIFFERENCE_STEP))[smooth], columns[smooth]


def _gradient_check(of: Subject, masks: Masks) -> dict[str, float]:
    expected, columns = differences(of, masks)
    found = backpropagated(of, masks)
    metrics = {
        "gradient_error": largest_error(found[columns], expected),
        "gradients_checked": len(columns) / len(used_columns(of)),
    }
    learned = [number for number, view in enumerate(of.layout.views(of.parameters)) if "slopes" in view]
    if learned:
        starts = [of.layout.start(number, "slopes") for number in learned]
        of_slopes = columns >= min(starts)
        metrics["slope_gradient_error"] = largest_error(found[columns[of_slopes]], expected[of_slopes])
    return metrics


def _sum_over_examples(of: Subject) -> float:
    """The gradient of a batch against the sum of the gradients of its examples, each by itself."""
    parts = np.zeros(of.size)
    for number in range(len(of.inputs)):
        network = of.network(inputs=of.inputs[[number]])
        network.backward(of.judge(network.forward(), of.targets[[number]]).delta)
        parts += flat_gradient(of, network)
    return largest_error(backpropagated(of), parts)


def _forward_factor(of: Subject) -> float:
    """dz/dw by central differences against the input of that weight, for one neuron of every layer."""
    network = of.network()
    network.forward()
    worst = 0.0
    for number, (layer, view) in enumerate(zip(network.layers, of.layout.views(of.parameters), strict=True)):
        _, neurons, inputs = view["weights"].shape
        row, each = int(of.rng.integers(neurons)), np.arange(inputs)
        rows = np.repeat(of.parameters, 2 * inputs, axis=0)
        weights = of.layout.views(rows)[number]["weights"]
        weights[each, row, each] += DIFFERENCE_STEP
        weights[inputs + each, row, each] -= DIFFERENCE_STEP
        moved = of.network(rows)
        moved.forward()
        z = moved.dense_layers[number].z[:, :, row].reshape(2, inputs, -1)
        worst = max(worst, largest_error(layer.inputs[0], ((z[0] - z[1]) / (2 * DIFFERENCE_STEP)).T))
    return worst


def reversed_network(of: Subject) -> list[np.ndarray]:
    """dl/dz of every layer, (examples, rows), by a linear network that is built for each example.

    Each of its layers multiplies by the transposed weights and then by a diagonal matrix of gains sigma'(z), which the
    forward pass has fixed. A maxout unit passes the signal to its largest piece.
    """
    network = of.network()
    back = of.judge(network.forward()).delta[0]
    found = [back.copy()]
    for layer, behind in zip(network.dense_layers[-2::-1], network.dense_layers[:0:-1], strict=True):
        z, a = layer.z[0], layer.a[0]
        pieces = z.reshape(len(z), -1, a.shape[1])
        if pieces.shape[1] > 1:
            gains = np.arange(pieces.shape[1])[:, None] == pieces.argmax(axis=1)[:, None, :]
        else:
            slope = layer.slope[0]
            gains = (layer.activation.derivative(z, a, slope) * np.ones_like(z))[:, None, :]
        stacked = np.concatenate([behind.weights[0].T] * pieces.shape[1])
        back = np.stack(
            [np.diag(gain.ravel().astype(float)) @ stacked @ delta for gain, delta in zip(gains, back, strict=True)]
        )
        found.append(back)
    return found[::-1]


def _reversed_network(of: Subject) -> float:
    network = of.network()
    delta = of.judge(network.forward()).delta
    expected = reversed_network(of)
    network.backward(delta.copy())
    found = [layer.z[0] for layer in network.dense_layers[:-1]] + [delta[0]]
    return max(largest_error(one, other) for one, other in zip(found, expected, strict=True))


def _output_delta(of: Subject) -> float:
    """dl/dz at the output against y - target."""
    z = of.network().forward()
    y = LOSSES[of.loss].predict(z)[0]
    if LOSSES[of.loss].task == "regression":
        target = of.targets
    elif y.shape[1] == 1:
        target = of.targets[:, None]
    else:
        target = np.eye(y.shape[1])[of.targets]
    return largest_error(of.judge(z).delta[0], y - target)


def _gradient_identities(config: RunConfig) -> Measured:
    of = subject(config, GRADIENT_EXAMPLES)
    metrics = _gradient_check(of, drawn_masks(of, config))
    metrics["batch_gradient_error"] = _sum_over_examples(of)
    metrics["forward_factor_error"] = _forward_factor(of)
    metrics["reversed_network_error"] = _reversed_network(of)
    if of.loss in DELTA_IS_A_DIFFERENCE:
        metrics["output_delta_error"] = _output_delta(of)
    return Measured(metrics)


GRADIENTS = {
    "gradient_identities": Measurement(
        "backpropagation against central differences, sums over examples and the reversed network: largest relative "
        "differences",
        ("data.name", "data.path", "network", "dropout", "seed"),
        (
            "gradient_error", "gradients_checked", "slope_gradient_error", "batch_gradient_error",
            "forward_factor_error", "reversed_network_error", "output_delta_error",
        ),
        _gradient_identities,
    )
}  # fmt: skip
