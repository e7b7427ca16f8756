"""Global average pooling on the device: pooling whose only tile is the whole image."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.kernels.cuda.pooling import OWN_KERNELS, OWN_PASSES, pooled, reversed_pool, rooms

__all__ = ["OWN_KERNELS", "OWN_PASSES", "backward", "forward", "rooms"]


def forward(passes: Passes, number: int) -> Iterator[Launch]:
    """What the next layer reads."""
    layer = passes.layer(number)
    yield pooled(passes, number, layer.inputs[:2], 1 / layer.pixels)


def backward(passes: Passes, number: int) -> Iterator[Launch]:
    """dl/da of the layer before."""
    layer = passes.layer(number)
    yield reversed_pool(passes, number, layer.inputs[:2], 1 / layer.pixels)
