"""Average pooling: of every tile of an image the mean of each channel. Backward: each pixel gets its share of dl/da."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape
from workbench.engine.layers.windows import tiles


@dataclass(frozen=True)
class AveragePooling(Layer):
    """Square tiles of `size` x `size` pixels, side by side. What fills no tile at the lower and right border is left
    out.
    """

    size: int

    forms: ClassVar[Mapping[str, str]] = {"compiled": "stages"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of an image that the tiles fill, and of one with a border left over."""
        return [AveragePooling((4, 2, 2), 2), AveragePooling((5, 4, 2), 3)]

    @property
    def outputs(self) -> Shape:
        """A number for each tile and channel."""
        height, width, channels = self.inputs
        return height // self.size, width // self.size, channels

    @property
    def buffers(self) -> int:
        """Its outputs."""
        height, width, channels = self.outputs
        return height * width * channels

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundAveragePooling:  # noqa: ARG002
        """The layer of every run."""
        return BoundAveragePooling(self, batch)


class BoundAveragePooling(BoundLayer):
    """Average pooling of every run."""

    layer: AveragePooling

    def __init__(self, layer: AveragePooling, batch: Batch) -> None:
        self.layer, self.a = layer, batch.zeros(layer.outputs)

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, *outputs)."""
        self.inputs = inputs
        first, *others = tiles(inputs, self.layer.size)
        self.a[...] = first
        for pixels in others:
            np.add(self.a, pixels, out=self.a)
        return np.multiply(self.a, 1 / self.layer.size**2, out=self.a)

    def backward(self, dl_da: Array) -> None:
        """Keep dl/da for `pass_back`; there are no parameters."""
        self._dl_da = dl_da

    def pass_back(self, out: Array) -> Array:
        """Every pixel's share of dl/da."""
        out[...] = 0
        for dl_dpixels in tiles(out, self.layer.size):
            np.multiply(self._dl_da, 1 / self.layer.size**2, out=dl_dpixels)
        return out
