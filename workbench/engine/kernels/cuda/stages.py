"""The layers of a network as the passes go through them: those that compute, each with the dropout behind it."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from workbench.engine.kernels.cuda.codes import CUDA_FORMS
from workbench.engine.kernels.forms import form_of
from workbench.engine.layers.base import Layer
from workbench.engine.layers.dropout import Dropout
from workbench.engine.training.layout import Layout


class Stage(NamedTuple):
    """A layer that computes. `units` and `channels` are the rows of the masks that its output is multiplied by, one of
    every unit and one of whole channels; -1: there is none.
    """

    layer: Any  # each form knows its own kind
    parameters: int  # its number among the layers that have parameters; -1 if it has none
    units: int = -1
    channels: int = -1


def stages_of(layout: Layout) -> tuple[Stage, ...]:
    """The stages of a layout's networks, in order. The first mask, of row 0, is the inputs'.

    A layer whose form has no `forward` is no stage: dropout is a part of the stage before it, and to flatten an image
    changes none of its numbers.
    """
    found: list[Stage] = []
    parameters = masks = 0
    for layer in layout.sequence:
        if isinstance(layer, Dropout):
            if found:
                found[-1] = with_mask(found[-1], layer, masks)
            masks += 1
        elif hasattr(form_of(layer, CUDA_FORMS), "forward"):
            assert masks, "the mask of the inputs comes first"
            found.append(Stage(layer, parameters if layer.tensors else -1))
        parameters += bool(layer.tensors)
    return tuple(found)


def with_mask(stage: Stage, dropout: Dropout, row: int) -> Stage:
    """The stage with that dropout behind it. Of features, each is a channel by itself."""
    which = "channels" if dropout.of_channels and len(dropout.inputs) > 1 else "units"
    assert getattr(stage, which) < 0, f"two masks of {which} behind one layer"
    return stage._replace(**{which: row})


def first_with_parameters(stages: tuple[Stage, ...]) -> int:
    """The number of the stage that the backward pass ends with."""
    return next(number for number, stage in enumerate(stages) if stage.parameters >= 0)


def upper_name(layer: Layer) -> str:
    """The array for dl/d inputs of a layer: inputs of equal size share one, as in `Network`."""
    return f"upper{prod(layer.inputs)}"
