"""Max pooling: of every tile of an image the largest number of each channel. The notes call it subsampling.

Backward: dl/da goes to the pixel that won, the first if several are equal; the others get nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape
from workbench.engine.layers.windows import tiles


@dataclass(frozen=True)
class MaxPooling(Layer):
    """Square tiles of `size` x `size` pixels, side by side. What fills no tile at the lower and right border is left
    out.
    """

    size: int

    forms: ClassVar[Mapping[str, str]] = {"compiled": "stages"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of an image that the tiles fill, and of one with a border left over."""
        return [MaxPooling((4, 2, 2), 2), MaxPooling((5, 4, 2), 3)]

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

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundMaxPooling:  # noqa: ARG002
        """The layer of every run."""
        return BoundMaxPooling(self, batch)


class BoundMaxPooling(BoundLayer):
    """Max pooling of every run."""

    layer: MaxPooling

    def __init__(self, layer: MaxPooling, batch: Batch) -> None:
        self.layer, self.a = layer, batch.zeros(layer.outputs)

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, *outputs)."""
        self.inputs = inputs
        first, *others = tiles(inputs, self.layer.size)
        self.a[...] = first
        for pixels in others:
            np.maximum(self.a, pixels, out=self.a)
        return self.a

    def backward(self, dl_da: Array) -> None:
        """Keep dl/da for `pass_back`; there are no parameters."""
        self._dl_da = dl_da

    def pass_back(self, out: Array) -> Array:
        """dl/da at the winners, 0 elsewhere."""
        out[...] = 0
        undecided = np.ones_like(self.a, dtype=bool)
        size = self.layer.size
        for pixels, dl_dpixels in zip(tiles(self.inputs, size), tiles(out, size), strict=True):
            wins = (pixels == self.a) & undecided
            undecided &= ~wins
            np.multiply(self._dl_da, wins, out=dl_dpixels)
        return out
