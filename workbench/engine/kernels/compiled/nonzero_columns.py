"""The first layer's products without the columns of x in which every example of a minibatch has a zero.

Of the 784 pixels of MNIST a minibatch of 128 images leaves about 260 dark. Such a column adds nothing to z, and its
column of dl/dW is zero. So examples are read without them, turned: x^T (nonzero columns, stride). The stride is the
size of the batch in whole vectors.

No number differs from that of the whole products, also of a run that diverges. Zero times infinity is NaN: so none is
left out if a weight is not finite, and a unit whose dl/dz is not finite has the gradient of a sum of zeros times dl/dz.

The three passes are functions that are called by their addresses (`native.py`): they are compiled when a pack first
needs them.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache

import numpy as np

from workbench.engine.backend import zeros as aligned
from workbench.engine.kernels.compiled.example_reading import SOON, fetch_pixels
from workbench.engine.kernels.compiled.jit import ZERO, inner
from workbench.engine.kernels.compiled.native import FLOAT_BYTES, address_of, bits, call, floats, integers, pixels
from workbench.engine.kernels.compiled.nonzero_blocks import turn_block, turn_block_back, turn_pixels
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.products import (
    BIASES_PLACE,
    COLUMN_COUNT,
    NO_COPY,
    PANEL_DEPTH,
    PANEL_SIZE,
    ROW_COUNT,
    TALLEST,
    TILES_LOOP,
    WEIGHTS_PLACE,
    copy_for,
    width_of,
)
from workbench.engine.kernels.compiled.rule_loops import address
from workbench.engine.kernels.compiled.tile import LANES, PANEL

LEAST_COLUMNS, LEAST_ROWS = 512, 24  # with fewer, what is spared is hardly more than what it costs to look
# Which columns of a minibatch are nonzero: not zero throughout. found (2,): how many they are, or 0 if none is left
# out, and whether it is worth while to look again; seen (columns,) uint8: which they are; ranks (columns + 1,): how
# many lie before each column. turned: scratch for a panel of (dl/dW)^T; dark (rows,): the gradient of each unit's
# weights that read dark columns; passes (3,): the addresses of the passes. All but `found` are empty where columns are
# never left out.
Nonzero = namedtuple("Nonzero", "found seen ranks turned dark passes")
_COUNT, _WORTH = range(2)
_READ_NONZERO, _SUM_NONZERO, _GRADIENT_OF_NONZERO = range(3)
_LEAST_DARK = 4  # a quarter of the columns
_WITHOUT_SIGN, _NOT_FINITE = np.uint32(0x7FFFFFFF), np.uint32(0x7F800000)  # the bits of a float32


def may_leave_out(rows: int, columns: int) -> bool:
    """Whether columns of bytes may be left out of a first layer of this shape. Whole vectors have to fill its rows."""
    return rows >= LEAST_ROWS and columns >= LEAST_COLUMNS and columns % LANES == 0


def nonzero_for(rows: int, columns: int) -> Nonzero:
    """Room for what is found in minibatches, for a first layer of this shape."""
    return Nonzero(
        found=np.zeros(2, np.int64),
        seen=np.zeros(columns, np.uint8),
        ranks=np.zeros(columns + 1, np.int64),
        turned=aligned((PANEL_SIZE + PANEL,), np.float32, np),
        dark=aligned((rows + PANEL,), np.float32, np),
        passes=np.array(_passes(), np.int64),
    )


@cache
def all_columns() -> Nonzero:
    """Of a network that reads all columns of every minibatch."""
    integers, numbers = np.zeros(0, np.int64), np.zeros(0, np.float32)
    return Nonzero(np.zeros(2, np.int64), np.zeros(0, np.uint8), integers, numbers, numbers, integers)


def in_whole_vectors(examples: int) -> int:
    """The stride of x^T, from Python."""
    return -(-examples // LANES) * LANES


@inner
def forget(nonzero):
    """No column is left out until `read_nonzero` finds some. Returns whether to look for them."""
    nonzero.found[_COUNT] = 0
    return nonzero.passes.size > 0


@inner
def are_left_out(nonzero):
    """Whether columns of the minibatch are left out."""
    return nonzero.found[_COUNT] > 0


@inner
def read_nonzero(examples, run, rows, x, w, at, places, nonzero):
    """Write to x the run's examples with the numbers `rows` as x^T without the columns of zeros, if these are at least
    a quarter of all; else none is left out, and nothing is written. Returns whether to look again.
    """
    columns, found, ranks = examples.scale.shape[1], address_of(nonzero.found, 0), address_of(nonzero.ranks, 0)
    scaling = address_of(examples.scale, run * columns), address_of(examples.shift, run * columns)
    read = address_of(examples.images, 0), address_of(rows, 0), rows.size, columns
    weights = address_of(w, at + places[0, WEIGHTS_PLACE]), places[0, ROW_COUNT] * columns
    call(
        nonzero.passes[_READ_NONZERO],
        (*read, *scaling, *weights, address_of(x, 0), address_of(nonzero.seen, 0), found, ranks),
    )
    return nonzero.found[_WORTH] > 0


@inner
def weighted_sums(w, at, places, x, batch, z, panel, nonzero):
    """z (batch, rows) of the first layer = x times the transpose of W's nonzero columns, plus biases; x^T is given."""
    weights, biases = address_of(w, at + places[0, WEIGHTS_PLACE]), address_of(w, at + places[0, BIASES_PLACE])
    sizes = batch, places[0, ROW_COUNT], places[0, COLUMN_COUNT], address_of(nonzero.ranks, 0)
    buffers = address_of(x, 0), address_of(z, 0), address_of(panel, 0)
    call(nonzero.passes[_SUM_NONZERO], (weights, biases, *buffers, *sizes, places[0, TILES_LOOP]))


@inner
def weight_gradient(dl_dz, batch, x, places, g, zeros, panel, nonzero):
    """dl/dW (rows, columns) of the first layer: the transpose of x^T times dl/dz (batch, rows), a panel at a time."""
    gradient, nothing = address_of(g, places[0, WEIGHTS_PLACE]), address_of(zeros, 0)
    sizes = batch, places[0, ROW_COUNT], places[0, COLUMN_COUNT], address_of(nonzero.ranks, 0)
    buffers = address_of(panel, 0), address_of(nonzero.turned, 0), address_of(nonzero.dark, 0)
    call(
        nonzero.passes[_GRADIENT_OF_NONZERO],
        (address_of(dl_dz, 0), address_of(x, 0), gradient, nothing, *buffers, *sizes, places[0, TILES_LOOP]),
    )


@cache
def _passes() -> tuple[int, ...]:
    """The addresses of the passes, compiled."""
    return tuple(address(one) for one in (_read_pass, _forward_pass, _gradient_pass))


def _read_pass(
    images_at, rows_at, count, columns, scale_at, shift_at, w_at, weights, x_at, seen_at, found_at, ranks_at
):
    images, rows, found = pixels(images_at, 0), integers(rows_at, 0), integers(found_at, 2)
    seen, ranks, shift = pixels(seen_at, columns), integers(ranks_at, columns + 1), floats(shift_at, columns)
    _look(images, rows, count, columns, shift, seen)
    kept = _ranked(seen, ranks)
    found[_WORTH] = columns - kept >= columns // _LEAST_DARK and _are_finite(bits(w_at, weights))
    found[_COUNT] = kept if found[_WORTH] else 0
    if found[_COUNT] > 0:
        _read_turned(images, rows, count, columns, floats(scale_at, columns), shift, ranks, floats(x_at, 0))


@inner
def _look(images, rows, count, columns, shift, seen):
    """seen[j]: not 0 if an example has something other than zero in column j."""
    for j in range(columns):
        seen[j] = shift[j] != ZERO
    for i in range(count):
        if i + SOON < count:
            fetch_pixels(images, rows[i + SOON] * columns, columns)
        image = part(images, rows[i] * columns, columns)
        for j in range(columns):
            seen[j] |= image[j]


@inner
def _ranked(seen, ranks):
    """ranks[j] = how many columns before column j are nonzero; returns how many are."""
    kept = 0
    for j in range(seen.size):
        ranks[j] = kept
        kept += seen[j] != 0
    ranks[seen.size] = kept
    return kept


@inner
def _are_finite(numbers):
    """Whether float32 numbers, given by their bits, are all finite."""
    largest = np.uint32(0)
    for i in range(numbers.size):
        largest = max(largest, np.uint32(numbers[i] & _WITHOUT_SIGN))
    return largest < _NOT_FINITE


@inner
def _read_turned(images, rows, count, columns, scale, shift, ranks, x):
    """x[ranks[j], i] = the scaled pixel j of example number i, for every nonzero j."""
    stride = _stride_of(count)
    for k in range(0, columns, LANES):
        if ranks[k + LANES] > ranks[k]:
            for i in range(0, count, LANES):
                turn_pixels(images, columns, rows, i, min(LANES, count - i) - 1, k, scale, shift, ranks, x, stride)


def _forward_pass(w_at, biases_at, x_at, z_at, panel_at, batch, rows, columns, ranks_at, tiles_at):
    w, panel, ranks = floats(w_at, 0), floats(panel_at, 0), integers(ranks_at, columns + 1)
    begin, stride = 0, _stride_of(batch)
    while begin < columns:
        end, done = _end_of(begin, columns, ranks), ranks[begin]
        steps, column, factor = ranks[end] - done, 0, x_at + FLOAT_BYTES * done * stride
        while column < rows and steps > 0:
            width, target = width_of(rows - column), z_at + FLOAT_BYTES * column
            _turn_weights(w, column * columns, columns, width, begin, end, panel, ranks)
            # The sums begin with the biases at the first nonzero column, and go on from z.
            first, first_row = (target, rows) if done else (biases_at + FLOAT_BYTES * column, 0)
            sizes = batch, width, steps
            call(tiles_at, (*sizes, factor, 1, stride, panel_at, PANEL, first, first_row, target, rows, NO_COPY))
            column += width
        begin = end


def _gradient_pass(dl_dz_at, x_at, g_at, zeros_at, panel_at, turned_at, dark_at, batch, rows, columns, ranks_at,
                   tiles_at):  # fmt: skip
    g, turned, ranks = floats(g_at, 0), floats(turned_at, 0), integers(ranks_at, columns + 1)
    for column in range(0, rows, PANEL):
        sizes, other, target = (1, min(PANEL, rows - column), batch), FLOAT_BYTES * column, FLOAT_BYTES * column
        product = zeros_at, 0, 0, dl_dz_at + other, rows, zeros_at, 0, dark_at + target, 0, NO_COPY
        call(tiles_at, (*sizes, *product))
    copy_at = copy_for(rows, ranks[columns], batch, panel_at) if batch <= PANEL_DEPTH else NO_COPY
    begin, stride = 0, _stride_of(batch)
    while begin < columns:
        end, done, column = _end_of(begin, columns, ranks), ranks[begin], 0
        # The last tile is as tall as the others: it takes whatever rows of x^T stand behind.
        many, factor = (ranks[end] - done + TALLEST - 1) // TALLEST * TALLEST, x_at + FLOAT_BYTES * done * stride
        while column < rows:
            width, other = width_of(rows - column), dl_dz_at + FLOAT_BYTES * column
            if many > 0:
                sizes = many, width, batch
                call(tiles_at, (*sizes, factor, stride, 1, other, rows, zeros_at, 0, turned_at, PANEL, copy_at))
            dark = floats(dark_at + FLOAT_BYTES * column, width)
            _turn_back(turned, width, begin, end, ranks, g, column * columns, columns, dark)
            column += width
        begin = end


@inner
def _stride_of(batch):
    """How far a row of x^T lies behind the one before: the batch in whole vectors."""
    return (batch + LANES - 1) // LANES * LANES


@inner
def _end_of(begin, columns, ranks):
    """Where columns from `begin` on end whose nonzero ones fit into a panel: a multiple of `LANES` behind it."""
    end = begin + LANES
    while end < columns and ranks[end + LANES] - ranks[begin] <= PANEL_DEPTH:
        end += LANES
    return end


@inner
def _turn_weights(w, at, columns, width, begin, end, panel, ranks):
    """panel[ranks[k] - ranks[begin], j] = w[j, k] for j < width and every nonzero k from `begin` to before `end`."""
    for k in range(begin, end, LANES):
        if ranks[k + LANES] > ranks[k]:
            for j in range(0, width, LANES):
                last, block = min(LANES, width - j) - 1, part(panel, j, 0)
                turn_block(w, at + j * columns + k, columns, last, block, ranks, k, ranks[begin])


@inner
def _turn_back(turned, width, begin, end, ranks, g, at, columns, dark):
    """g[j, k] = turned[ranks[k] - ranks[begin], j] for j < width and k from `begin` to before `end`; dark[j] for a
    column of zeros.
    """
    for j in range(0, width, LANES):
        # Each row of g lies in a page of memory of its own. So all blocks of these rows follow each other.
        last, block = min(LANES, width - j) - 1, part(turned, j, 0)
        for k in range(begin, end, LANES):
            place = at + j * columns + k
            if ranks[k + LANES] > ranks[k]:
                turn_block_back(block, ranks, k, ranks[begin], g, place, columns, last, part(dark, j, 0))
            else:
                for r in range(last + 1):
                    row = part(g, place + r * columns, LANES)
                    for i in range(LANES):
                        row[i] = dark[j + r]
