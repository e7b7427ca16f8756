"""The three matrix products of a layer: z = x W^T + b, dl/dW = (dl/dz)^T x, dl/dx = dl/dz W.

Matrices lie in flat float32 arrays, row after row, each beginning at its `at`. The columns of `places` say where a
run's weights, biases and slopes begin in its row. `panel` is scratch of `PANEL_SIZE` numbers, and `zeros` are `PANEL`
zeros. Products read up to `LANES` - 1 numbers beyond the end of x, z and dl/dx, so these must exist; a run's weights
are followed by its biases.
"""

from __future__ import annotations

from workbench.engine.kernels.compiled.jit import compiled
from workbench.engine.kernels.compiled.tile import HEIGHTS, LANES, PANEL, multiply_tile, transpose_block

WEIGHTS_PLACE, BIASES_PLACE, SLOPES_PLACE, ROW_COUNT, COLUMN_COUNT, UNIT_COUNT = range(6)  # the columns of `places`
# Those behind them: the addresses of a layer's loops (`rule_loops.ActivationLoops`), and where its slopes come from.
FORWARD_LOOP, BACKWARD_LOOP, GAIN_LOOP, SLOPES_FROM = range(6, 10)
NO_SLOPES, FIXED_SLOPE, OWN_SLOPES = range(3)
PANEL_DEPTH = 192  # steps along the common dimension at a time: a panel of this depth stays in the first-level cache
PANEL_SIZE = PANEL_DEPTH * PANEL
_TALLEST, _TALL, _LEAST_TALL = HEIGHTS[:3]


@compiled
def weighted_sums(w, at, places, layer, x, x_at, batch, z, z_at, panel):
    """z (batch, rows) = x (batch, columns) times W^T, plus the biases. W is transposed a panel at a time."""
    rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
    weights_at, biases_at = at + places[layer, WEIGHTS_PLACE], at + places[layer, BIASES_PLACE]
    for depth in range(0, columns, PANEL_DEPTH):
        steps = min(PANEL_DEPTH, columns - depth)
        for column in range(0, rows, PANEL):
            width = min(PANEL, rows - column)
            _transpose(w, weights_at + column * columns + depth, columns, width, steps, panel)
            first, first_at, first_row = (z, z_at + column, rows) if depth else (w, biases_at + column, 0)
            _tiles(
                batch, width, steps, x, x_at + depth, columns, 1, panel, 0, PANEL, first, first_at, first_row,
                z, z_at + column, rows,
            )  # fmt: skip


@compiled
def weight_gradient(dl_dz, z_at, batch, x, x_at, places, layer, g, zeros):
    """dl/dW (rows, columns) = the transpose of dl/dz (batch, rows), times x (batch, columns)."""
    rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
    _product(rows, columns, batch, dl_dz, z_at, 1, rows, x, x_at, g, places[layer, WEIGHTS_PLACE], zeros)


@compiled
def through_weights(dl_dz, z_at, batch, w, at, places, layer, dl_dx, zeros):
    """dl/dx (batch, columns) = dl/dz (batch, rows) times W."""
    rows, columns = places[layer, ROW_COUNT], places[layer, COLUMN_COUNT]
    _product(batch, columns, rows, dl_dz, z_at, rows, 1, w, at + places[layer, WEIGHTS_PLACE], dl_dx, 0, zeros)


@compiled
def _product(m, n, count, a, a_at, a_row, a_step, b, b_at, c, c_at, zeros):
    """c (m, n) = a (m, count) times b (count, n), a panel of b's columns and `PANEL_DEPTH` of `count` at a time."""
    for depth in range(0, count, PANEL_DEPTH):
        steps = min(PANEL_DEPTH, count - depth)
        for column in range(0, n, PANEL):
            first, first_at, first_row = (c, c_at + column, n) if depth else (zeros, 0, 0)
            _tiles(
                m, min(PANEL, n - column), steps, a, a_at + depth * a_step, a_row, a_step, b, b_at + depth * n + column,
                n, first, first_at, first_row, c, c_at + column, n,
            )  # fmt: skip


@compiled
def _tiles(m, width, steps, a, a_at, a_row, a_step, b, b_at, b_row, first, first_at, first_row, c, c_at, c_row):
    """A panel of the result, (m, width), tile by tile from top to bottom."""
    row = 0
    while row < m:
        left = m - row
        height = _TALLEST if left >= _TALLEST else _TALL if left >= _TALL else _LEAST_TALL if left >= _LEAST_TALL else 1
        multiply_tile(
            height, a, a_at + row * a_row, a_row, a_step, b, b_at, b_row, first, first_at + row * first_row, first_row,
            c, c_at + row * c_row, c_row, steps, width,
        )  # fmt: skip
        row += height


@compiled
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
