"""Global average pooling on the device: pooling whose only tile is the whole image."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.engine.kernels.cuda.launches import Launch
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.kernels.cuda.pooling import OWN_KERNELS, OWN_PASSES, pooled, reversed_pool, rooms
from workbench.engine.layers.global_average import GlobalAverage

__all__ = ["OWN_KERNELS", "OWN_PASSES", "backward", "forward", "rooms"]


def forward(passes: Passes, number: int) -> Iterator[Launch]:
    """What the next layer reads."""
    layer = passes.layer_as(number, GlobalAverage)
    height, width, _ = layer.inputs
    yield pooled(passes, number, (height, width), 1 / layer.pixels)


def backward(passes: Passes, number: int) -> Iterator[Launch]:
    """dl/da of the layer before."""
    layer = passes.layer_as(number, GlobalAverage)
    height, width, _ = layer.inputs
    yield reversed_pool(passes, number, (height, width), 1 / layer.pixels)
