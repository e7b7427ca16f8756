"""Examples turned from rows into lanes, as the loops over images have them, and back: square after square of vectors.

Where a square is not full, numbers are copied one by one.
"""

from __future__ import annotations

from workbench.engine.kernels.compiled.jit import ZERO, inner
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.tile import LANES, transpose_block


@inner
def turn_in(source, at, size, count, target, target_at, lanes):
    """target (size, lanes) <- source (count, size); lanes beyond the count become 0."""
    whole = count - count % LANES if size >= LANES else 0
    for lane in range(0, whole, LANES):
        for i in range(0, size, LANES):
            i = min(i, size - LANES)  # the last square begins earlier, so that it does not end beyond the numbers
            transpose_block(source, at + lane * size + i, size, LANES - 1, target, target_at + i * lanes + lane, lanes)
    for lane in range(whole, lanes):
        column = part(target, target_at + lane, (size - 1) * lanes + 1)
        if lane < count:
            row = part(source, at + lane * size, size)
            for i in range(size):
                column[i * lanes] = row[i]
        else:
            for i in range(size):
                column[i * lanes] = ZERO


@inner
def turn_out(source, at, size, count, lanes, target, target_at):
    """target (count, size) <- source (size, lanes)."""
    whole = count - count % LANES if size >= LANES else 0
    for lane in range(0, whole, LANES):
        for i in range(0, size, LANES):
            i = min(i, size - LANES)
            transpose_block(source, at + i * lanes + lane, lanes, LANES - 1, target, target_at + lane * size + i, size)
    for lane in range(whole, count):
        row, column = part(target, target_at + lane * size, size), part(source, at + lane, (size - 1) * lanes + 1)
        for i in range(size):
            row[i] = column[i * lanes]
