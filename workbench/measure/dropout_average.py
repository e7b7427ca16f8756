"""One hidden layer with dropout: the scaled network against the exact average over all masks."""

from __future__ import annotations

from itertools import product

import numpy as np

from workbench.config import RunConfig
from workbench.engine.errors import BadInput
from workbench.engine.rules.losses import LOSSES, softmax
from workbench.measure.measurement import Measurement
from workbench.measure.subject import largest_error, subject
from workbench.sweep.instruments import Measured

AVERAGED_EXAMPLES = 8
WIDEST = 12  # 4,096 masks


def _dropout_average(config: RunConfig) -> Measured:
    """In the notes' form: training drops units without rescaling, testing multiplies the weights by 1 - p."""
    settings, rate = config.network, config.dropout.rate
    if settings.depth != 1 or settings.width > WIDEST or config.dropout.input_rate or not rate:
        raise BadInput(
            f"measure=dropout_average: found network.depth {settings.depth}, network.width {settings.width}, "
            f"dropout.rate {rate:g}, dropout.input_rate {config.dropout.input_rate:g}; allowed are depth 1, "
            f"at most {WIDEST} units, dropout of them and none of the inputs"
        )
    of = subject(config, AVERAGED_EXAMPLES)
    if LOSSES[of.loss].task == "regression":
        raise BadInput(
            f"data.name is {config.data.name!r}; allowed with measure=dropout_average: a dataset of classes, and a "
            "loss of classes"
        )
    masks = np.array(list(product((0.0, 1.0), repeat=settings.width)))
    chance = np.prod(np.where(masks > 0, 1 - rate, rate), axis=1)
    network = of.network()
    network.forward()
    output = network.dense_layers[-1]
    hidden, weights, biases = network.layers[0].a[0], output.weights[0], output.biases[0]
    probabilities = softmax(
        _of_classes((masks[:, None, :] * hidden) @ weights.T + biases)
    )  # (masks, examples, classes)
    scaled = softmax(_of_classes(hidden @ ((1 - rate) * weights).T + biases))
    unscaled = softmax(_of_classes(hidden @ weights.T + biases))
    logs = np.log(probabilities)
    geometric = np.exp(np.tensordot(chance, logs, axes=1))
    geometric /= geometric.sum(axis=1, keepdims=True)
    arithmetic = np.tensordot(chance, probabilities, axes=1)
    return Measured(
        {
            "geometric_average_error": largest_error(scaled, geometric),
            "arithmetic_average_difference": largest_error(scaled, arithmetic),
            "unscaled_average_difference": largest_error(unscaled, geometric),
        }
    )


def _of_classes(logits: np.ndarray) -> np.ndarray:
    """A logit of each class, (..., classes), also where there is one output, that of class 1 against class 0."""
    return np.concatenate([np.zeros_like(logits), logits], axis=-1) if logits.shape[-1] == 1 else logits


DROPOUT_AVERAGE = {
    "dropout_average": Measurement(
        "scaled weights against the geometric (and arithmetic) average over every mask of one hidden layer",
        ("data.name", "data.path", "network", "dropout", "seed"),
        ("geometric_average_error", "arithmetic_average_difference", "unscaled_average_difference"),
        _dropout_average,
        version=2,
    )
}
