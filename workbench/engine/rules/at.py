"""The numbers that a rule reads besides its arrays: hyperparameters and strengths, by name."""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array


class At:
    """The numbers of one step, as attributes: `at.learning_rate`, `at.beta1`, a penalty's strength, ...

    Each is an array, or a number, that broadcasts against the rule's arrays: (runs, 1) against parameters (runs, size).
    """

    def __init__(self, **numbers: Array | np.floating) -> None:
        vars(self).update(numbers)

    def __getattr__(self, name: str) -> Array:
        raise AttributeError(f"at.{name}: there is no such number; found: {', '.join(vars(self)) or 'none'}")
