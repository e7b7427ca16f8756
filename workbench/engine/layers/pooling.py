"""The common part of the kinds of pooling: no parameters, and adjacent tiles of one size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Shape


@dataclass(frozen=True)
class Pooling(Layer):
    """Adjacent tiles of `size` x `size` pixels. Pixels at the lower and right border that fill no tile are left
    out.
    """

    size: int

    forms: ClassVar[Mapping[str, str]] = {"compiled": "stages"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of an image that the tiles fill, and of one with a border left over."""
        return [cls((4, 2, 2), 2), cls((5, 4, 2), 3)]

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


class BoundPooling(BoundLayer):
    """Pooling of every run: a (runs, batch, *outputs)."""

    def __init__(self, layer: Layer, batch: Batch) -> None:
        self.layer, self.a = layer, batch.zeros(layer.outputs)

    def backward(self, dl_da: Array) -> None:
        """Keep dl/da (runs, batch, *outputs) for `pass_back`; there are no parameters."""
        self._dl_da = dl_da
