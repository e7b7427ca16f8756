"""Max pooling: the maximum of each channel over every tile of an image. The notes call it subsampling.

Backward: dl/da goes to the pixel with the maximum, the first if several are equal; the others get 0.
"""

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
class MaxPooling(Pooling):
    """The maximum of each channel over every tile."""

    forms: ClassVar[Mapping[str, str]] = {**Pooling.forms, "cuda": "max_pooling"}

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundMaxPooling:  # noqa: ARG002
        """The layer of every run."""
        return BoundMaxPooling(self, batch)


class BoundMaxPooling(BoundPooling):
    """Max pooling of every run."""

    layer: MaxPooling

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, *outputs)."""
        self.inputs = inputs
        first, *others = tiles(inputs, self.layer.size)
        self.a[...] = first
        for pixels in others:
            np.maximum(self.a, pixels, out=self.a)
        return self.a

    def pass_back(self, out: Array) -> Array:
        """dl/dx (runs, batch, height, width, channels): dl/da at the winner of each tile, 0 elsewhere."""
        out[...] = 0
        undecided = np.ones_like(self.a, dtype=bool)
        size = self.layer.size
        for pixels, dl_dpixels in zip(tiles(self.inputs, size), tiles(out, size), strict=True):
            wins = (pixels == self.a) & undecided
            undecided &= ~wins
            np.multiply(self._dl_da, wins, out=dl_dpixels)
        return out
