"""Max pooling on the device: the largest number of each tile, or all of dl/da to it."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.kernels.cuda.pooling import LARGEST, OWN_KERNELS, OWN_PASSES, pooled, reversed_pool, rooms
from workbench.engine.layers.max_pooling import MaxPooling

__all__ = ["OWN_KERNELS", "OWN_PASSES", "backward", "forward", "rooms"]


def forward(passes: Passes, number: int) -> Iterator[Launch]:
    """What the next layer reads."""
    layer = passes.layer_as(number, MaxPooling)
    yield pooled(passes, number, (layer.size, layer.size), LARGEST)


def backward(passes: Passes, number: int) -> Iterator[Launch]:
    """dl/da of the layer before."""
    layer = passes.layer_as(number, MaxPooling)
    yield reversed_pool(passes, number, (layer.size, layer.size), LARGEST)
