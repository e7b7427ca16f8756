"""Average pooling: the mean of each channel over every tile of an image. Backward: a pixel gets its share of dl/da."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, Parameters
from workbench.engine.layers.pooling import BoundPooling, Pooling
from workbench.engine.layers.windows import tiles


@dataclass(frozen=True)
class AveragePooling(Pooling):
    """The mean of each channel over every tile."""

    forms: ClassVar[Mapping[str, str]] = {**Pooling.forms, "cuda": "average_pooling"}

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundAveragePooling:  # noqa: ARG002
        """The layer of every run."""
        return BoundAveragePooling(self, batch)


class BoundAveragePooling(BoundPooling):
    """Average pooling of every run."""

    layer: AveragePooling

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, *outputs)."""
        self.inputs = inputs
        first, *others = tiles(inputs, self.layer.size)
        self.a[...] = first
        for pixels in others:
            np.add(self.a, pixels, out=self.a)
        return np.multiply(self.a, 1 / self.layer.size**2, out=self.a)

    def pass_back(self, out: Array) -> Array:
        """dl/dx (runs, batch, height, width, channels): a pixel gets dl/da / size^2 of its tile, 0 if it is in none."""
        out[...] = 0
        for dl_dpixels in tiles(out, self.layer.size):
            np.multiply(self._dl_da, 1 / self.layer.size**2, out=dl_dpixels)
        return out
