"""Losses, each with its output activation: case I of the notes' backward pass.

The loss of a batch is the mean over its examples, so a learning rate means the same at every batch size. The notes'
total loss is the sum. Labels are integers (runs, batch); targets of a regression are (runs, batch, outputs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.engine.backend import Array, module_of
from workbench.engine.classes import exceeds_others, sign_agrees


class Judged(NamedTuple):
    """The loss of a batch, example by example.

    losses (runs, batch): l of each example.
    correct (runs, batch): whether the predicted class is right (`engine.classes`); None for a regression.
    delta (runs, batch, outputs): dl/dz of each example at the output layer.
    """

    losses: Array
    correct: Array | None
    delta: Array


LOSS_TASKS = ("classes", "two_classes", "regression")


@dataclass(frozen=True)
class Loss:
    """One row of `LOSSES`. `task` is one of LOSS_TASKS.

    `judge(z, targets)` gives losses, hits and dl/dz; `predict(z)` the network's output y (probabilities, or values);
    `units(outputs)` the width of the output layer for data with so many classes or regression outputs.
    """

    summary: str
    task: str
    judge: Callable[[Array, Array], Judged]
    predict: Callable[[Array], Array]
    units: Callable[[int], int] = lambda outputs: outputs


def softmax(z: Array) -> Array:
    """Class probabilities of logits (..., classes); the largest logit is subtracted first against overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)) without overflow, elementwise."""
    return np.tanh(z * 0.5) * 0.5 + 0.5


def identity(z: Array) -> Array:
    """z (..., outputs) itself: the output of a regression."""
    return z


def _at_label(z: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Index of every example's own class in (runs, batch, classes)."""
    xp = module_of(z)
    return xp.arange(z.shape[0])[:, None], xp.arange(z.shape[1])[None, :], labels


def _cross_entropy(z: Array, labels: Array) -> Judged:
    """l = -ln y_label with y = softmax(z), so dl/dz = y - target."""
    own = _at_label(z, labels)
    largest = z.max(axis=-1)
    shifted = z - largest[..., None]
    correct = exceeds_others(z, z[own][..., None])
    e = np.exp(shifted)
    total = e.sum(axis=-1)
    losses = np.log(total) - shifted[own]
    delta = e / total[..., None]
    delta[own] -= 1
    return Judged(losses, correct, delta)


def _binary_cross_entropy(z: Array, labels: Array) -> Judged:
    """l = -[t ln y + (1 - t) ln(1 - y)] with y = sigmoid(z), one output; dl/dz = y - t."""
    z1 = z[..., 0]
    target = labels.astype(z.dtype)
    losses = np.maximum(z1, 0) + np.log1p(np.exp(-np.abs(z1))) - target * z1
    return Judged(losses, sign_agrees(z1, labels), (sigmoid(z1) - target)[..., None])


def _squared_error(z: Array, targets: Array) -> Judged:
    """l = 1/2 sum_k (y_k - target_k)^2 with y = z."""
    delta = z - targets.astype(z.dtype)
    return Judged((delta * delta).sum(axis=-1) * 0.5, None, delta)


def _softmax_squared_error(z: Array, labels: Array) -> Judged:
    """l = 1/2 sum_k (y_k - target_k)^2 with y = softmax(z), for comparison with cross-entropy."""
    y = softmax(z)
    own = _at_label(z, labels)
    error = y.copy()
    error[own] -= 1
    losses = (error * error).sum(axis=-1) * 0.5
    delta = y * (error - (error * y).sum(axis=-1, keepdims=True))
    return Judged(losses, exceeds_others(z, z[own][..., None]), delta)


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss("softmax and -ln of the true class's probability", "classes", _cross_entropy, softmax),
    "binary_cross_entropy": Loss(
        "sigmoid and the two-class cross-entropy, one output",
        "two_classes",
        _binary_cross_entropy,
        sigmoid,
        units=lambda outputs: 1,
    ),
    "squared_error": Loss("half the sum of squared differences, linear output", "regression", _squared_error, identity),
    "softmax_squared_error": Loss(
        "half the squared difference of softmax and target", "classes", _softmax_squared_error, softmax
    ),
}


def customary_loss(classes: int) -> str:
    """The loss that `network.loss=auto` stands for, by the number of classes; 0 is a regression."""
    return {0: "squared_error", 2: "binary_cross_entropy"}.get(classes, "cross_entropy")


def fits_task(loss: str, classes: int) -> bool:
    """Whether a loss can be used with that many classes (0: regression)."""
    return {"classes": classes >= 2, "two_classes": classes == 2, "regression": classes == 0}[LOSSES[loss].task]
