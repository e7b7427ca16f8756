"""What the kinds of pooling have in common on the device: one launch in each direction, over tiles side by side."""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.cuda.buffers import Room
from workbench.engine.kernels.cuda.codes import THREADS
from workbench.engine.kernels.cuda.launches import Argument, Launch, turns
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.layers.base import Layer

OWN_PASSES, OWN_KERNELS = ("pooling",), ("pool", "reverse_pool")
LARGEST = 0.0  # stands for a share if a tile's largest number is wanted


def rooms(layer: Layer, batch: int) -> dict[str, Room]:
    """What the next layer reads."""
    return {"out": Room((batch, *layer.outputs), np.float32)}


def pooled(passes: Passes, number: int, tile: tuple[int, int], share: float) -> Launch:
    """Of every tile, (height, width), the mean by `share` of a pixel, or the largest."""
    layer, arrays = passes.layer(number), passes.arrays
    read, out = passes.reads(number).array, arrays[f"out{number}"]
    arguments = (read, *passes.masks, out, *_shape(passes, number, tile, share))
    height, width, channels = layer.inputs
    return _over(passes, height // tile[0] * (width // tile[1]) * channels, "pool", arguments)


def reversed_pool(passes: Passes, number: int, tile: tuple[int, int], share: float) -> Launch:
    """dl/d inputs of `pooled`."""
    back, read = passes.upper(number).array, passes.reads(number).array
    arguments = (read, passes.dl_da(number), *passes.masks, back, *_shape(passes, number, tile, share))
    height, width, channels = passes.layer(number).inputs
    return _over(passes, -(-height // tile[0]) * -(-width // tile[1]) * channels, "reverse_pool", arguments)


def _shape(passes: Passes, number: int, tile: tuple[int, int], share: float) -> tuple[Argument, ...]:
    return *passes.masks_of(number), passes.batch, *passes.layer(number).inputs, *tile, share


def _over(passes: Passes, elements: int, kernel: str, arguments: tuple[Argument, ...]) -> Launch:
    """A thread for each tile and channel of the minibatch."""
    runs = passes.pack.runs
    return Launch(kernel, (runs, turns(passes.batch * elements, THREADS, runs)), THREADS, arguments)
