"""The arrays of a model beside its parameters, saved or kept: which there must be, and of which shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.rules.losses import LOSSES
from workbench.measure.model_about import About

WEIGHTS_FILE = "weights.npz"
# Saved beside the weights: how inputs and targets are scaled, and a few inputs.
ARRAYS = ("origin", "unit", "scale", "shift", "target_scale", "target_shift", "examples")


def require_parts(held: Collection[str], needed: Collection[str]) -> None:
    """Raise BadInput with the name of the first needed array that is not held."""
    missing = [name for name in needed if name not in held]
    if missing:
        raise BadInput(
            f"the kept model holds no {missing[0]}: another version of Workbench kept it, without all that its answers "
            f"need; the command that trained it trains it anew"
        )


def shapes_of(about: About) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays that scale the inputs and, in a regression, the targets."""
    targets = (about.outputs if LOSSES[about.loss].task == "regression" else 0,)
    inputs = dict.fromkeys(("origin", "unit", "scale", "shift"), (about.inputs,))
    return {**inputs, "target_scale": targets, "target_shift": targets}


def check_shapes(found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raise BadInput if an array is missing, unexpected, or of another shape: NumPy would broadcast it silently."""
    for name in [*expected, *(name for name in found if name not in expected)]:
        if found.get(name) != expected.get(name):
            raise BadInput(
                f"{WEIGHTS_FILE}: {name} has the shape {found.get(name, 'of nothing')}; "
                f"this network has {expected.get(name, 'no such array')}"
            )


def examples_of(values: np.ndarray, inputs: int) -> np.ndarray:
    """The examples kept with a model: (n, inputs)."""
    if values.size % max(inputs, 1) or not inputs:
        raise BadInput(f"{WEIGHTS_FILE}: examples holds {values.size} numbers; this network reads {inputs} each")
    return values.reshape(-1, inputs)
