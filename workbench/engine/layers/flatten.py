"""Flatten: reshapes an image to a row of features, which a dense layer reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape


@dataclass(frozen=True)
class Flatten(Layer):
    """(height, width, channels) -> (features,), pixel by pixel, the channels of each together."""

    forms: ClassVar[Mapping[str, str]] = {"compiled": "stages", "cuda": "passes"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of an image."""
        return [Flatten((3, 2, 2))]

    @property
    def outputs(self) -> Shape:
        """As many features as the image has numbers."""
        return (prod(self.inputs),)

    @property
    def buffers(self) -> int:
        """None: its output is a view of its input."""
        return 0

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundFlatten:  # noqa: ARG002
        """The layer of every run."""
        return BoundFlatten(self)


class BoundFlatten(BoundLayer):
    """The same numbers in another shape."""

    def __init__(self, layer: Flatten) -> None:
        self.layer = layer

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, features)."""
        self.inputs = inputs
        self.a = inputs.reshape(*inputs.shape[:2], -1)
        return self.a

    def backward(self, dl_da: Array) -> None:
        """Keep dl/da (runs, batch, features) for `pass_back`; there are no parameters."""
        self._dl_da = dl_da

    def pass_back(self, out: Array) -> Array:
        """dl/dx (runs, batch, height, width, channels): dl/da in the shape of the image."""
        out[...] = self._dl_da.reshape(out.shape)
        return out
