"""A dense layer on the device: its matrix products, and one launch in each direction for the elementwise work between
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from workbench.engine.kernels.cuda.buffers import Room
from workbench.engine.kernels.cuda.codes import MOST_THREADS, THREADS, TILE, activations
from workbench.engine.kernels.cuda.launches import FILLING, Launch, Product, fours, multiplied, turns
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.layers.dense import Dense

FUSED = True  # `fused.cuh` trains it in shared memory, with any number of pieces for each unit


def rooms(layer: Dense, batch: int) -> dict[str, Room]:
    """z, and what the next layer reads."""
    return {"z": Room((batch, layer.rows), np.float32), "out": Room((batch, layer.units), np.float32)}


def forward(passes: Passes, number: int) -> Iterator[Launch | Product]:
    """z without biases; then, for a hidden layer, what the next layer reads."""
    yield weighted_sums(passes, number)
    if not passes.is_last(number):
        yield activate(passes, number)


def backward(passes: Passes, number: int) -> Iterator[Launch | Product]:
    """The gradients of its parameters, and dl/da of the layer before."""
    if not passes.is_last(number):
        yield reverse(passes, number)
    yield from products_back(passes, number)


def weighted_sums(passes: Passes, number: int) -> Launch | Product:
    """x W^T."""
    weights, runs = passes.weights_of(number), passes.pack.runs
    return multiplied(Product(passes.z(number), passes.reads(number), weights.turned, runs))


def products_back(passes: Passes, number: int) -> Iterator[Launch | Product]:
    """dl/dz W unless the layer reads the inputs, and (dl/dz)^T x, which may change the weights at once."""
    dl_dz, runs = passes.z(number), passes.pack.runs
    if passes.passes_back(number):
        yield multiplied(Product(passes.upper(number), dl_dz, passes.weights_of(number), runs))
    gradient = passes.weights_of(number, gradient=True)
    yield multiplied(Product(gradient, dl_dz.turned, passes.reads(number), runs, aside=True))


def activate(passes: Passes, number: int) -> Launch:
    """What the next layer reads: the activation of the largest piece of each unit, and a mask."""
    layer, arrays, layout = passes.layer_as(number, Dense), passes.arrays, passes.layout
    arguments = (
        arrays[f"z{number}"], passes.weights, arrays["slope"], *passes.masks, arrays[f"out{number}"],
        activations().index(layer.activation), layer.rows // layer.units, *passes.masks_of(number), 1,
        *starts(passes, number), passes.batch, layer.units, layout.size,
    )  # fmt: skip
    elements = passes.batch * (fours(layer.units) if layer.rows == layer.units else layer.units)
    return Launch("activate", (passes.pack.runs, turns(elements, THREADS, passes.pack.runs)), THREADS, arguments)


def reverse(passes: Passes, number: int) -> Launch:
    """dl/dz from dl/da, and the gradients of biases and of learned slopes."""
    layer, arrays, layout = passes.layer_as(number, Dense), passes.arrays, passes.layout
    arguments = (
        passes.dl_da(number), arrays[f"z{number}"], passes.weights, passes.gradients, arrays["slope"], *passes.masks,
        activations().index(layer.activation), passes.layers[number].units, *starts(passes, number), passes.batch,
        layer.units, layout.size,
    )  # fmt: skip
    return Launch("reverse", *blocks_of_units(passes, layer), arguments)


def blocks_of_units(passes: Passes, layer: Dense) -> tuple[tuple[int, int], int]:
    """One block for each run and tile of units, and its threads; the block sums over the examples. If few blocks share
    a device, each has more threads.
    """
    blocks = passes.pack.runs, -(-layer.units // TILE)
    return blocks, THREADS if prod(blocks) >= FILLING // 8 else MOST_THREADS


def starts(passes: Passes, number: int) -> tuple[int, int]:
    """Where a layer's biases begin, and its learned slopes, -1 if it learns none."""
    return passes.start(number, "biases"), passes.start(number, "slopes")
