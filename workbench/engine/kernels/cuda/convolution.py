"""A convolutional layer on the device: the patch of every place is laid out as a row, and the layer's neurons read the
rows by a matrix product, as a dense layer's read examples.

The sums over all places of a minibatch are long and their results small, so they are taken in parts: of so many rows
each, whatever the number of runs, and then over the parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from workbench.engine.kernels.cuda.buffers import Room
from workbench.engine.kernels.cuda.codes import LARGEST_GRID, THREADS, TILE, activations
from workbench.engine.kernels.cuda.launches import Argument, Launch, Matrix, Product, fours, threads_for, tiles, turns
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.layers.convolution import Convolution

OWN_PASSES = ("convolution",)  # of device code, besides the common files
OWN_KERNELS = ("gather_patches", "gather_pixels", "reverse_places", "reverse_maxout_places", "sum_parts")
ROWS_A_PART = 1024  # places, at most, if an example has no more
MOST_PARTS = 256
ROWS_A_THREAD = 8  # of patches or of pixels, so that what depends on the column is computed once for several


def rooms(layer: Convolution, batch: int) -> dict[str, Room]:
    """The patches, z at every place, and what the next layer reads."""
    places, neurons = batch * prod(layer.places), layer.neurons
    return {
        "patches": Room((places, neurons.fan_in), np.float32),
        "z": Room((places, neurons.rows), np.float32),
        "out": Room((batch, *layer.outputs), np.float32),
    }


def rooms_to_learn(layer: Convolution, batch: int) -> dict[str, Room]:
    """The gradients of every part of a minibatch."""
    return {"parts": Room((parts_of(layer, batch), part_size(layer)), np.float32)}


def parts_of(layer: Convolution, batch: int) -> int:
    """In how many parts of equally many examples the sums over a minibatch are taken."""
    parts = [count for count in range(1, min(batch, MOST_PARTS) + 1) if batch % count == 0]
    return next((count for count in parts if batch // count * prod(layer.places) <= ROWS_A_PART), parts[-1])


def part_size(layer: Convolution) -> int:
    """The numbers of a part: the gradients of all tensors, one after the other, and padding to whole 16-byte words."""
    return -(-sum(tensor.size for tensor in layer.tensors) // 4) * 4


def forward(passes: Passes, number: int) -> Iterator[Launch | Product]:
    """Patches, z without biases, and what the next layer reads."""
    yield _over_rows(passes, number, "gather_patches", passes.reads(number).array, _patches(passes, number))
    left, weights = _by_place(passes, number, "patches"), passes.weights_of(number)
    yield Product(_by_place(passes, number, "z"), left, weights.turned, passes.pack.runs)
    yield _activate(passes, number)


def backward(passes: Passes, number: int) -> Iterator[Launch | Product]:
    """The gradients of its parameters, and dl/da of the layer before.

    No product is aside: the patches are overwritten by dl/d patches.
    """
    yield _reverse(passes, number)
    yield from _gradients_of_parts(passes, number)
    yield _sum_parts(passes, number)
    if passes.passes_back(number):
        dl_dz, weights = _by_place(passes, number, "z"), passes.weights_of(number)
        yield Product(_by_place(passes, number, "patches"), dl_dz, weights, passes.pack.runs)
        yield _over_rows(passes, number, "gather_pixels", _patches(passes, number), passes.upper(number).array)


def _over_rows(passes: Passes, number: int, kernel: str, read: Argument, written: Argument) -> Launch:
    """From images to patches, or back: a thread for each number of a patch, or of a row of pixels."""
    layer = passes.layer_as(number, Convolution)
    height, width, channels = layer.inputs
    rows, columns = prod(layer.places), layer.neurons.fan_in
    if kernel == "gather_pixels":
        rows, columns = height, width * channels
    lanes = max(1, THREADS // columns)
    threads = -(-min(columns, THREADS) * lanes // 32) * 32
    arguments = (
        read, written, passes.batch, *layer.inputs, layer.kernel, layer.stride, *layer.before, *layer.places,
    )  # fmt: skip
    return Launch(kernel, (passes.pack.runs, tiles(passes.batch * rows, lanes * ROWS_A_THREAD)), threads, arguments)


def _activate(passes: Passes, number: int) -> Launch:
    """What the next layer reads: of each channel at every place the activation of its largest piece, and the masks."""
    layer, arrays, runs = passes.layer_as(number, Convolution), passes.arrays, passes.pack.runs
    units, rows, places = layer.units, layer.neurons.rows, prod(layer.places)
    arguments = (
        arrays[f"z{number}"], passes.weights, arrays["slope"], *passes.masks, arrays[f"out{number}"],
        activations().index(layer.activation), rows // units, *passes.masks_of(number), places,
        *_starts(passes, number), passes.batch * places, units, passes.layout.size,
    )  # fmt: skip
    elements = passes.batch * places * (fours(units) if rows == units else units)
    return Launch("activate", (runs, turns(elements, THREADS, runs)), THREADS, arguments)


def _reverse(passes: Passes, number: int) -> Launch:
    """dl/dz from dl/da, and of each part the sums for the gradients of biases and of learned slopes."""
    layer, arrays = passes.layer_as(number, Convolution), passes.arrays
    places, parts = prod(layer.places), parts_of(layer, passes.batch)
    of_parts = (
        passes.batch // parts * places, layer.units, passes.layout.size, layer.tensors[0].size, part_size(layer),
    )  # fmt: skip
    bias_start, slope_start = _starts(passes, number)
    before = (passes.dl_da(number), arrays[f"z{number}"], passes.weights, arrays[f"parts{number}"])
    masks, blocks = (*passes.masks_of(number), places), (passes.pack.runs, parts)
    if layer.neurons.rows > layer.units:
        pieces = layer.neurons.rows // layer.units
        of_maxout = (*before, *passes.masks, pieces, *masks, bias_start, *of_parts)
        return Launch("reverse_maxout_places", blocks, THREADS, of_maxout)
    activation = activations().index(layer.activation)
    arguments = (*before, arrays["slope"], *passes.masks, activation, *masks, bias_start, slope_start, *of_parts)
    return Launch("reverse_places", blocks, THREADS, arguments)


def _gradients_of_parts(passes: Passes, number: int) -> Iterator[Product]:
    """(dl/dz)^T patches of every part; no more products at a time than a grid has blocks."""
    layer, arrays = passes.layer_as(number, Convolution), passes.arrays
    parts, neurons = parts_of(layer, passes.batch), layer.neurons
    rows = passes.batch // parts * prod(layer.places)
    count, stride = passes.pack.runs * parts, part_size(layer)
    for first in range(0, count, LARGEST_GRID):
        dl_dz, patches = (
            Matrix(arrays[f"{name}{number}"], rows * columns, rows, columns, first * rows * columns)
            for name, columns in (("z", neurons.rows), ("patches", neurons.fan_in))
        )
        out = Matrix(arrays[f"parts{number}"], stride, neurons.rows, neurons.fan_in, first * stride)
        yield Product(out, dl_dz.turned, patches, min(LARGEST_GRID, count - first))


def _sum_parts(passes: Passes, number: int) -> Launch:
    """The gradients of all of its parameters, over the parts."""
    layer, runs = passes.layer_as(number, Convolution), passes.pack.runs
    parts, numbers = parts_of(layer, passes.batch), sum(tensor.size for tensor in layer.tensors)
    weights, biases, *_ = layer.tensors
    arguments = (
        passes.arrays[f"parts{number}"], passes.gradients, parts, part_size(layer), numbers, weights.size, biases.size,
        passes.start(number, "weights"), *_starts(passes, number), passes.layout.size,
    )  # fmt: skip
    return Launch("sum_parts", (runs, tiles(numbers, TILE)), threads_for(TILE * parts, THREADS), arguments)


def _starts(passes: Passes, number: int) -> tuple[int, int]:
    """Where the layer's biases begin, and its learned slopes, -1 if it learns none."""
    return passes.start(number, "biases"), passes.start(number, "slopes")


def _patches(passes: Passes, number: int) -> Argument:
    return passes.arrays[f"patches{number}"]


def _by_place(passes: Passes, number: int, name: str) -> Matrix:
    """Patches or z of every run, a row for each place of its minibatch."""
    layer = passes.layer_as(number, Convolution)
    rows = passes.batch * prod(layer.places)
    columns = layer.neurons.fan_in if name == "patches" else layer.neurons.rows
    return Matrix(passes.arrays[f"{name}{number}"], rows * columns, rows, columns)
