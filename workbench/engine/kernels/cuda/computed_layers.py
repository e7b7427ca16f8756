"""The layers of a network as the passes go through them: those that compute, each with the dropout behind it."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from workbench.engine.kernels.cuda.codes import CUDA_FORMS
from workbench.engine.kernels.forms import form_of
from workbench.engine.layers.base import Layer
from workbench.engine.layers.dropout import Dropout
from workbench.engine.training.layout import Layout


class ComputedLayer(NamedTuple):
    """A layer that computes. `units` and `channels` are the rows of the masks that its output is multiplied by, one of
    every unit and one of whole channels; -1: there is none.
    """

    layer: Layer
    parameters: int  # its number among the layers that have parameters; -1 if it has none
    units: int = -1
    channels: int = -1


def computed_layers(layout: Layout) -> tuple[ComputedLayer, ...]:
    """Those of a layout's networks, in order. The first mask, of row 0, is the inputs'.

    A layer whose form has no `forward` is none of them: dropout is a part of the layer before it, and to flatten an
    image changes none of its numbers.
    """
    found: list[ComputedLayer] = []
    parameters = masks = 0
    for layer in layout.sequence:
        if isinstance(layer, Dropout):
            if found:
                found[-1] = with_mask(found[-1], layer, masks)
            masks += 1
        elif hasattr(form_of(layer, CUDA_FORMS), "forward"):
            assert masks, "the mask of the inputs comes first"
            found.append(ComputedLayer(layer, parameters if layer.tensors else -1))
        parameters += bool(layer.tensors)
    return tuple(found)


def with_mask(layer: ComputedLayer, dropout: Dropout, row: int) -> ComputedLayer:
    """The layer with that dropout behind it. Of features, each is a channel by itself."""
    if dropout.of_channels and len(dropout.inputs) > 1:
        assert layer.channels < 0, "two masks of channels behind one layer"
        return layer._replace(channels=row)
    assert layer.units < 0, "two masks of units behind one layer"
    return layer._replace(units=row)


def first_with_parameters(layers: tuple[ComputedLayer, ...]) -> int:
    """The number of the layer that the backward pass ends with."""
    return next(number for number, layer in enumerate(layers) if layer.parameters >= 0)


def upper_name(layer: Layer) -> str:
    """The array for dl/d inputs of a layer: inputs of equal size share one, as in `Network`."""
    return f"upper{prod(layer.inputs)}"
