"""A maxout layer on the device. Forward it is a dense layer of several pieces; backward it is written by hand
(`maxout.cuh`).
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.engine.kernels.cuda.dense import blocks_of_units, forward, products_back, rooms, starts
from workbench.engine.kernels.cuda.launches import Launch, Product
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.layers.maxout import Maxout

__all__ = ["FUSED", "OWN_FILES", "OWN_KERNELS", "backward", "forward", "rooms"]
OWN_FILES = ("maxout",)  # of device code, besides the common ones
OWN_KERNELS = ("reverse_maxout",)
FUSED = True


def backward(passes: Passes, number: int) -> Iterator[Launch | Product]:
    """The gradients of its parameters, and dl/da of the layer before."""
    if not passes.is_last(number):
        yield _reverse(passes, number)
    yield from products_back(passes, number)


def _reverse(passes: Passes, number: int) -> Launch:
    """dl/dz of the winning pieces from dl/da, and the gradients of the biases."""
    layer, arrays = passes.layer_as(number, Maxout), passes.arrays
    bias_start, _ = starts(passes, number)
    arguments = (
        passes.dl_da(number), arrays[f"z{number}"], passes.weights, passes.gradients, *passes.masks,
        layer.rows // layer.units, passes.layers[number].units, bias_start, passes.batch, layer.units,
        passes.layout.size,
    )  # fmt: skip
    return Launch("reverse_maxout", *blocks_of_units(passes, layer), arguments)
