"""What a rule reads besides its arrays: hyperparameters and strengths, by name."""

from __future__ import annotations

from workbench.engine.backend import Array


class At:
    """The numbers of one step, as attributes: `at.learning_rate`, `at.beta1`, a penalty's strength, ...

    Each is an array that broadcasts against the rule's arrays: (runs, 1) for parameters of shape (runs, size).
    """

    def __init__(self, **numbers: Array) -> None:
        vars(self).update(numbers)

    def __getattr__(self, name: str) -> Array:
        raise AttributeError(f"at.{name}: there is no such number; found: {', '.join(vars(self)) or 'none'}")
