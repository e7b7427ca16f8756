"""Optimizers: pure functions from (weights, gradient, state) to (weights, state), written as in their papers.

`update(w, g, *slots, at)` works elementwise on the flat buffer of all parameters: w, g and every slot are (runs, size).
`at` holds the hyperparameters of this step, (runs, 1) each: learning_rate, momentum, ... Each update returns the new
weights, then the new slots. Slots start at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.rules.at import At


def read_by(rule: Callable[[At], object]) -> tuple[str, ...]:
    """The names of the attributes that a rule reads from `at`."""
    asked: dict[str, None] = {}

    class Asked(At):
        def __getattr__(self, name: str) -> np.ndarray:
            asked[name] = None
            return np.full(1, 0.5)

    rule(Asked())
    return tuple(asked)


@dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter that only this optimizer has, with its default and range. The rule reads `at.NAME`; a command
    sets `optimizer.NAME`.
    """

    default: float
    help: str = ""
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Optimizer:
    """One row of `OPTIMIZERS`: its state for every parameter (`slots`), and its update.

    `update` reads learning_rate, momentum, ... and its own `hyperparameters` from `at`. `learning_rate` is the
    usual value, which `optimizer=NAME` sets.
    """

    summary: str
    slots: tuple[str, ...]
    update: Callable[..., tuple[Array, ...]]
    learning_rate: float = 0.01
    hyperparameters: Mapping[str, Hyperparameter] = field(default_factory=dict, hash=False)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names that the update reads from `at`, in the order of reading."""
        return read_by(lambda at: self.update(np.ones(1), np.ones(1), *(np.ones(1) for _ in self.slots), at=at))


def sgd(w: Array, g: Array, at: At) -> tuple[Array, ...]:
    """w <- w - eta g: gradient descent on minibatches."""
    return (w - at.learning_rate * g,)


def momentum(w: Array, g: Array, v: Array, at: At) -> tuple[Array, ...]:
    """v <- lambda v - eta g, w <- w + v, exactly as in the notes: part of the last movement continues."""
    v = at.momentum * v - at.learning_rate * g
    return w + v, v


def nesterov(w: Array, g: Array, v: Array, at: At) -> tuple[Array, ...]:
    """Momentum with the gradient at the point that the velocity leads to (Sutskever et al. 2013).

    The stored weights are that point, theta + lambda v, as in Bengio et al. 2013, section 3. So no second copy of the
    weights is needed; with a constant lambda, w <- w - eta g + lambda v.
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
    """Algorithm 1 of Kingma and Ba 2015; `bias1` is 1 - beta1^t, `bias2` is 1 - beta2^t. With decoupled weight decay it
    is AdamW.
    """
    m = at.beta1 * m + (1 - at.beta1) * g
    v = at.beta2 * v + (1 - at.beta2) * (g * g)
    return w - (at.learning_rate / at.bias1) * m / (np.sqrt(v / at.bias2) + at.epsilon), m, v


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Optimizer("stochastic gradient descent", (), sgd, learning_rate=0.1),
    "momentum": Optimizer("gradient descent with the notes' momentum", ("velocity",), momentum, learning_rate=0.02),
    "nesterov": Optimizer("momentum with the gradient taken ahead", ("velocity",), nesterov, learning_rate=0.02),
    "adagrad": Optimizer(
        "step divided by the root of the sum of squared gradients", ("total",), adagrad, learning_rate=0.02
    ),
    "rmsprop": Optimizer(
        "step divided by a fading root mean square of the gradient", ("mean_square",), rmsprop, learning_rate=0.001
    ),
    "adam": Optimizer(
        "fading means of gradient and square, both corrected for their start",
        ("first_moment", "second_moment"),
        adam,
        learning_rate=0.001,
    ),
}
