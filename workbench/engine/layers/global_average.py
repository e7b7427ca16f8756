"""Global average pooling: the mean of each channel over the whole image (Lin, Chen and Yan 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, Layer, Parameters, Shape
from workbench.engine.layers.pooling import BoundPooling


@dataclass(frozen=True)
class GlobalAverage(Layer):
    """(height, width, channels) -> (channels,)."""

    forms: ClassVar[Mapping[str, str]] = {"compiled": "stages", "cuda": "global_average"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of two images."""
        return [GlobalAverage((3, 2, 2)), GlobalAverage((1, 2, 3))]

    @property
    def pixels(self) -> int:
        """How many numbers a channel has."""
        height, width, _ = self.inputs
        return height * width

    @property
    def outputs(self) -> Shape:
        """A number for each channel."""
        return self.inputs[-1:]

    @property
    def buffers(self) -> int:
        """Its outputs."""
        return self.inputs[-1]

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundGlobalAverage:  # noqa: ARG002
        """The layer of every run."""
        return BoundGlobalAverage(self, batch)


class BoundGlobalAverage(BoundPooling):
    """Global average pooling of every run."""

    layer: GlobalAverage

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, channels)."""
        self.inputs = inputs
        self.a[...] = 0
        for row in range(self.layer.inputs[0]):  # pixel by pixel: the order of a sum must not depend on the pack
            for column in range(self.layer.inputs[1]):
                np.add(self.a, inputs[:, :, row, column], out=self.a)
        return np.multiply(self.a, 1 / self.layer.pixels, out=self.a)

    def pass_back(self, out: Array) -> Array:
        """dl/dx (runs, batch, height, width, channels): every pixel gets dl/da / pixels of its channel."""
        return np.multiply(self._dl_da[:, :, None, None], 1 / self.layer.pixels, out=out)
