"""Penalties on the weights, never on biases. Their strengths are columns of a pack, so they may differ from run to run.

An elementwise penalty acts at one of three moments of an update: on the `gradient`, on the weights `before` the
optimizer's step, or on the weights `after` it. Max-norm acts last, on the incoming weights of each neuron. A strength
of 0 changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.rules.at import At
from workbench.engine.rules.optimizers import read_by

MOMENTS = ("gradient", "before", "after", "rows")


@dataclass(frozen=True)
class Penalty:
    """One row of `PENALTIES`: its moment, and `apply(weights, gradient, at)`, which returns the new gradient or the new
    weights.
    """

    summary: str
    moment: str
    apply: Callable[[Array, Array, At], Array]

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names that it reads from `at`, its own strength among them."""
        return read_by(lambda at: self.apply(np.ones((1, 1)), np.ones((1, 1)), at))


def _l1(w: Array, g: Array, at: At) -> Array:
    return g + at.l1 * np.sign(w)


def _l2(w: Array, g: Array, at: At) -> Array:
    return g + at.l2 * w


def _decay(w: Array, g: Array, at: At) -> Array:
    return w * (1 - at.learning_rate * at.decay)


def _l1_proximal(w: Array, g: Array, at: At) -> Array:
    threshold = at.learning_rate * at.l1_proximal
    return np.maximum(w - threshold, 0) + np.minimum(w + threshold, 0)


def _max_norm(w: Array, g: Array, at: At) -> Array:
    """`w` is (runs, rows, columns), `at.max_norm` is (runs, 1, 1); 0 is no bound."""
    norm = np.sqrt((w * w).sum(axis=-1, keepdims=True))
    bounded = (at.max_norm > 0) & (norm > at.max_norm)
    return w * np.where(bounded, at.max_norm / np.where(bounded, norm, 1), 1).astype(w.dtype)


PENALTIES: dict[str, Penalty] = {
    "l1": Penalty("l1 * sum|w|, by its subgradient: subtracts learning_rate * l1 a step", "gradient", _l1),
    "l2": Penalty("l2 / 2 * sum w^2, in the gradient", "gradient", _l2),
    "decay": Penalty("decoupled weight decay: weights times 1 - learning_rate * decay", "before", _decay),
    "l1_proximal": Penalty(
        "l1 by the proximal step: towards zero by learning_rate * l1_proximal, and exactly zero within it",
        "after",
        _l1_proximal,
    ),
    "max_norm": Penalty("each neuron's incoming weights kept within this norm; 0 is off", "rows", _max_norm),
}


def strengths(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The hyperparameters that rules read, (runs,) each. The optimizer's weight decay is added to the penalty's."""
    return dict(columns) | {"decay": columns["decay"] + columns["weight_decay"]}
