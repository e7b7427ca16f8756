"""The three matrix products of a layer: z = x W^T + b, dl/dW = (dl/dz)^T x, dl/dx = dl/dz W.

Matrices lie in flat float32 arrays, row after row, each beginning at its `at`. The columns of `places` say where a
run's weights, biases and slopes begin in its row. `panel` is scratch of `PANEL_SIZE` numbers, `zeros` are `PANEL`
zeros, and `ones` begins with a 1. Products read up to `LANES` - 1 numbers beyond the end of x, z and dl/dx, so these
must exist; a run's weights are followed by its biases.

The tiles of a product are computed by a function that is called by its address. It is large: if it were part of
every pass that multiplies, Numba would compile it for each of them.
"""

from __future__ import annotations

from functools import cache, partial

from workbench.engine.kernels.compiled.jit import compiled, inlined, inner
from workbench.engine.kernels.compiled.native import FLOAT_BYTES, address_of, call, floats
from workbench.engine.kernels.compiled.rule_loops import address
from workbench.engine.kernels.compiled.tile import HEIGHTS, LANES, PANEL, copy_vectors, multiply_tile, transpose_block

WEIGHTS_PLACE, BIASES_PLACE, SLOPES_PLACE, ROW_COUNT, COLUMN_COUNT, UNIT_COUNT = range(6)  # the columns of `places`
# Those behind them: the addresses of a layer's loops (`rule_loops.ActivationLoops`), where its slopes come from, and
# `tiles()`.
FORWARD_LOOP, BACKWARD_LOOP, GAIN_LOOP, SLOPES_FROM, TILES_LOOP = range(6, 11)
PLACE_COLUMNS = 11
NO_SLOPES, FIXED_SLOPE, OWN_SLOPES = range(3)
NO_COPY = 0  # in place of an address
PANEL_DEPTH = 192  # steps along the common dimension at a time: a panel of this depth stays in the first-level cache
PANEL_SIZE = (PANEL_DEPTH + LANES) * PANEL  # rows behind the depth are for `nonzero_columns`
# A product of so many multiplications reads each panel so often, or from so many pages, that a copy of it pays.
_LARGE_PRODUCT = 2**24
TALLEST, _TALL, _LEAST_TALL = HEIGHTS[:3]


@partial(inlined, from_python=True)
def weighted_sums(w, at, places, layer, x, x_at, batch, z, z_at, panel):
    """z (batch, rows) = x (batch, columns) times W^T, plus the biases. W is transposed a panel at a time."""
    some_weighted_sums(w, at, places, layer, x, x_at, batch, z, z_at, panel, 0, places[layer, ROW_COUNT])


@inlined
def some_weighted_sums(w, at, places, layer, x, x_at, batch, z, z_at, panel, begin, end):
    """The columns of z from `begin`, a multiple of `PANEL`, to before `end`."""
    rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
    weights_at, biases_at = at + places[layer, WEIGHTS_PLACE], at + places[layer, BIASES_PLACE]
    for depth in range(0, columns, PANEL_DEPTH):
        steps = min(PANEL_DEPTH, columns - depth)
        column = begin
        while column < end:
            width = width_of(end - column)
            _transpose(w, weights_at + column * columns + depth, columns, width, steps, panel)
            target = address_of(z, z_at + column)
            first, first_row = (target, rows) if depth else (address_of(w, biases_at + column), 0)
            factor, other = address_of(x, x_at + depth), address_of(panel, 0)
            sizes, tiles_at = (batch, width, steps), places[layer, TILES_LOOP]
            call(tiles_at, (*sizes, factor, columns, 1, other, PANEL, first, first_row, target, rows, NO_COPY))
            column += width


@compiled
def weight_gradient(dl_dz, z_at, batch, x, x_at, places, layer, g, zeros, panel):
    """dl/dW (rows, columns) = the transpose of dl/dz (batch, rows), times x (batch, columns)."""
    some_weight_gradient(dl_dz, z_at, batch, x, x_at, places, layer, g, zeros, panel, 0, places[layer, ROW_COUNT])


@inner
def some_weight_gradient(dl_dz, z_at, batch, x, x_at, places, layer, g, zeros, panel, begin, end):
    """The rows of dl/dW from `begin` to before `end`."""
    rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
    target = address_of(g, places[layer, WEIGHTS_PLACE] + begin * columns)
    factor, other = address_of(dl_dz, z_at + begin), address_of(x, x_at)
    scratch = address_of(zeros, 0), address_of(panel, 0)
    _product(
        places[layer, TILES_LOOP], end - begin, columns, batch, factor, 1, rows, other, target, scratch, 0, columns
    )


@compiled
def through_weights(dl_dz, z_at, batch, w, at, places, layer, dl_dx, zeros, panel):
    """dl/dx (batch, columns) = dl/dz (batch, rows) times W."""
    columns = places[layer, COLUMN_COUNT]
    some_through_weights(dl_dz, z_at, batch, w, at, places, layer, dl_dx, zeros, panel, 0, columns)


@inner
def some_through_weights(dl_dz, z_at, batch, w, at, places, layer, dl_dx, zeros, panel, begin, end):
    """The columns of dl/dx from `begin`, a multiple of `PANEL`, to before `end`."""
    rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
    factor, other = address_of(dl_dz, z_at), address_of(w, at + places[layer, WEIGHTS_PLACE])
    target, scratch = address_of(dl_dx, 0), (address_of(zeros, 0), address_of(panel, 0))
    _product(places[layer, TILES_LOOP], batch, columns, rows, factor, rows, 1, other, target, scratch, begin, end)


@compiled
def column_sums(dl_dz, z_at, batch, places, layer, ones, g, zeros):
    """dl/db (rows,) = ones, one for each example, times dl/dz (batch, rows)."""
    rows, target = places[layer, ROW_COUNT], address_of(g, places[layer, BIASES_PLACE])
    factor, other = address_of(ones, 0), address_of(dl_dz, z_at)
    scratch = address_of(zeros, 0), NO_COPY
    _product(places[layer, TILES_LOOP], 1, rows, batch, factor, 0, 0, other, target, scratch, 0, rows)


@inner
def _product(tiles_at, m, n, count, a_at, a_row, a_step, b_at, c_at, scratch, begin, end):
    """c (m, n) = a (m, count) times b (count, n), a panel of b's columns and `PANEL_DEPTH` of `count` at a time: its
    columns from `begin` to before `end`. The matrices begin at these addresses; `scratch`: those of zeros and panel.

    A large product reads a copy of each panel. Its rows lie side by side, so they neither displace each other in the
    first-level cache nor take a page each.
    """
    zeros_at, panel_at = scratch
    copy_at = copy_for(m, n, count, panel_at)
    for depth in range(0, count, PANEL_DEPTH):
        steps = min(PANEL_DEPTH, count - depth)
        column = begin
        while column < end:
            width, target = width_of(end - column), c_at + FLOAT_BYTES * column
            first, first_row = (target, n) if depth else (zeros_at, 0)
            factor, other = a_at + FLOAT_BYTES * depth * a_step, b_at + FLOAT_BYTES * (depth * n + column)
            sizes = m, width, steps
            call(tiles_at, (*sizes, factor, a_row, a_step, other, n, first, first_row, target, n, copy_at))
            column += width


@inner
def copy_for(m, n, count, panel_at):
    """Where a product of this size copies its panels: at `panel_at`, or nowhere."""
    return panel_at if m * n * count >= _LARGE_PRODUCT else NO_COPY


@inner
def width_of(left):
    """The columns of the next panel, of so many that are left. Two panels share what would leave the last one a single
    vector, whose tiles load a factor for every product.
    """
    return PANEL - LANES if PANEL < left <= PANEL + LANES else min(PANEL, left)


@cache
def tiles() -> int:
    """The address of `_tiles`, compiled."""
    return address(_tiles)


def _tiles(m, width, steps, a_at, a_row, a_step, b_at, b_row, first_at, first_row, c_at, c_row, copy_at):
    """A panel of the result, (m, width), tile by tile from top to bottom; see `multiply_tile`. With an address
    `copy_at`, b is read from a copy there.
    """
    a, b, first, c = floats(a_at, 0), floats(b_at, 0), floats(first_at, 0), floats(c_at, 0)
    if copy_at != NO_COPY:
        copy, vectors = floats(copy_at, 0), (width + LANES - 1) // LANES
        for k in range(steps):
            copy_vectors(b, k * b_row, copy, k * PANEL, vectors)
        b, b_row = copy, PANEL
    row = 0
    while row < m:
        left = m - row
        height = TALLEST if left >= TALLEST else _TALL if left >= _TALL else _LEAST_TALL if left >= _LEAST_TALL else 1
        multiply_tile(
            height, a, row * a_row, a_row, a_step, b, 0, b_row, first, row * first_row, first_row,
            c, row * c_row, c_row, steps, width,
        )  # fmt: skip
        row += height


@inner
def _transpose(w, at, row, width, steps, panel):
    """panel[k, j] = w[j, k] for j < width and k < steps. Columns beyond the width may hold anything."""
    if steps < LANES:
        for j in range(width):
            for k in range(steps):
                panel[k * PANEL + j] = w[at + j * row + k]
        return
    for j in range(0, width, LANES):
        for k in range(0, steps, LANES):
            k = min(k, steps - LANES)  # the last block starts earlier, so that it does not end beyond the row
            transpose_block(w, at + j * row + k, row, min(LANES, width - j) - 1, panel, k * PANEL + j, PANEL)
