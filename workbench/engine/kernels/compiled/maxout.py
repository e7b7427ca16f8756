"""A maxout layer in the compiled kernel. Its loops are written by hand: the maximum over pieces is not elementwise.

The rows of z (batch, pieces * units) lie piece by piece, row = piece * units + unit; a and dl/da are (batch, units).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from workbench.engine.kernels.compiled.dense import place
from workbench.engine.kernels.compiled.jit import ONE, ZERO, inner
from workbench.engine.kernels.compiled.native import floats
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.rule_loops import ActivationLoops, address
from workbench.engine.layers.maxout import Maxout

__all__ = ["backward", "forward", "gain", "loops", "place"]
_SERVED = np.float32(np.nan)  # marks a unit that has its winner; NaN equals nothing


def forward(z_at, a_at, slope_at, batch, rows, units):
    """a <- the largest of each unit's pieces."""
    for example in range(batch):
        a = floats(a_at + 4 * example * units, units)
        _largest(floats(z_at + 4 * example * rows, rows), a)


def backward(dl_da_at, z_at, a_at, slope_at, slope_gradient_at, batch, rows, units):
    """Write each unit's dl/da to its first winning piece, 0 to the others. `a` is overwritten."""
    for example in range(batch):
        dl_da, a = floats(dl_da_at + 4 * example * units, units), floats(a_at + 4 * example * units, units)
        _to_winner(dl_da, floats(z_at + 4 * example * rows, rows), a)


def gain(z_at, a_at, slope_at, gain_at, batch, rows, units):
    """Write the gain, 1: the whole of a change passes through the winning piece."""
    floats(gain_at, batch * units)[:] = ONE


def loops(layer: Maxout) -> ActivationLoops:
    """The loops after z in the forward pass and before it in the backward pass; the number of pieces
    does not matter.
    """
    return _loops()


@cache
def _loops() -> ActivationLoops:
    return ActivationLoops(*(address(loop) for loop in (forward, backward, gain)))


@inner
def _largest(z, a):
    units = a.size
    for unit in range(units):
        a[unit] = z[unit]
    for start in range(units, z.size, units):
        piece = part(z, start, units)
        for unit in range(units):
            a[unit] = max(a[unit], piece[unit])


@inner
def _to_winner(dl_da, z, a):
    """`a`, no longer needed, marks the units that are done."""
    units = a.size
    for start in range(0, z.size, units):
        piece = part(z, start, units)
        for unit in range(units):
            wins = piece[unit] == a[unit]
            piece[unit] = dl_da[unit] if wins else ZERO
            a[unit] = _SERVED if wins else a[unit]
