"""Optimizers: pure functions from (weights, gradient, state) to (weights, state), written as their papers have them.

`update(w, g, *slots, at)` works elementwise on the flat buffer of all parameters; `at` holds this step's numbers, one
row a run: learning_rate, momentum, ... Each returns the new weights followed by the new slots. Slots start at zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from workbench.engine.backend import Array

At = SimpleNamespace


@dataclass(frozen=True)
class Optimizer:
    """One row of `OPTIMIZERS`: what it remembers for every parameter (`slots`), what it reads of `at`, its update."""

    summary: str
    slots: tuple[str, ...]
    reads: tuple[str, ...]
    update: Callable[..., tuple[Array, ...]]


def sgd(w: Array, g: Array, at: At) -> tuple[Array, ...]:
    """w <- w - eta g: gradient descent on minibatches."""
    return (w - at.learning_rate * g,)


def momentum(w: Array, g: Array, v: Array, at: At) -> tuple[Array, ...]:
    """v <- lambda v - eta g, w <- w + v, exactly as the notes write it: the last movement goes on."""
    v = at.momentum * v - at.learning_rate * g
    return w + v, v


def nesterov(w: Array, g: Array, v: Array, at: At) -> tuple[Array, ...]:
    """Momentum whose gradient is taken where the movement is about to lead (Sutskever et al. 2013).

    The stored weights are that point ahead, theta + lambda v, as in Bengio et al. 2013, section 3: so the network needs
    no second copy, and with a constant lambda w <- w - eta g + lambda v.
    """
    step = at.learning_rate * g
    v = at.momentum * v - step
    return w - step + at.next_momentum * v, v


def adagrad(w: Array, g: Array, total: Array, at: At) -> tuple[Array, ...]:
    """w <- w - eta g / (sqrt(sum of all squared gradients) + epsilon) (Duchi et al. 2011)."""
    total = total + g * g
    return w - at.learning_rate * g / (np.sqrt(total) + at.epsilon), total


def rmsprop(w: Array, g: Array, mean_square: Array, at: At) -> tuple[Array, ...]:
    """sigma^2 <- alpha sigma^2 + (1 - alpha) g^2, w <- w - eta g / (sigma + epsilon); the notes give no epsilon."""
    mean_square = at.alpha * mean_square + (1 - at.alpha) * (g * g)
    return w - at.learning_rate * g / (np.sqrt(mean_square) + at.epsilon), mean_square


def adam(w: Array, g: Array, m: Array, v: Array, at: At) -> tuple[Array, ...]:
    """Algorithm 1 of Kingma and Ba 2015; `bias1` is 1 - beta1^t and `bias2` 1 - beta2^t. AdamW is this with decay."""
    m = at.beta1 * m + (1 - at.beta1) * g
    v = at.beta2 * v + (1 - at.beta2) * (g * g)
    return w - (at.learning_rate / at.bias1) * m / (np.sqrt(v / at.bias2) + at.epsilon), m, v


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("stochastic gradient descent", (), ("learning_rate",), sgd),
    "momentum": Optimizer(
        "gradient descent with the notes' momentum", ("velocity",), ("learning_rate", "momentum"), momentum
    ),
    "nesterov": Optimizer(
        "momentum with the gradient taken ahead",
        ("velocity",),
        ("learning_rate", "momentum", "next_momentum"),
        nesterov,
    ),
    "adagrad": Optimizer(
        "step divided by the root of the sum of squared gradients", ("total",), ("learning_rate", "epsilon"), adagrad
    ),
    "rmsprop": Optimizer(
        "step divided by a fading root mean square of the gradient",
        ("mean_square",),
        ("learning_rate", "alpha", "epsilon"),
        rmsprop,
    ),
    "adam": Optimizer(
        "fading means of gradient and square, both corrected for their start",
        ("first_moment", "second_moment"),
        ("learning_rate", "beta1", "beta2", "bias1", "bias2", "epsilon"),
        adam,
    ),
}
