"""Average pooling on the device: the mean of each tile, or of dl/da each pixel's share."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.kernels.cuda.pooling import OWN_KERNELS, OWN_PASSES, pooled, reversed_pool, rooms
from workbench.engine.layers.average_pooling import AveragePooling

__all__ = ["OWN_KERNELS", "OWN_PASSES", "backward", "forward", "rooms"]


def forward(passes: Passes, number: int) -> Iterator[Launch]:
    """What the next layer reads."""
    layer = passes.layer_as(number, AveragePooling)
    yield pooled(passes, number, (layer.size, layer.size), 1 / layer.size**2)


def backward(passes: Passes, number: int) -> Iterator[Launch]:
    """dl/da of the layer before."""
    layer = passes.layer_as(number, AveragePooling)
    yield reversed_pool(passes, number, (layer.size, layer.size), 1 / layer.size**2)
