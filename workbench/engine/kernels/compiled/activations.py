"""The compiled form of each activation: value on the way forward, gain on the way back.

z (batch, rows), a and dl/da (batch, units) lie in flat float32 arrays, each from its `at` on; the codes name the rows
of `ACTIVATIONS` that have a compiled form. `slope`, from `slope_at` on, holds the slopes left of zero of the units.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.elementary import exp_in_place, tanh
from workbench.engine.kernels.compiled.jit import HALF, ONE, ZERO, compiled
from workbench.engine.kernels.compiled.part import part

CODES = {
    name: code
    for code, name in enumerate(
        ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "maxout", "softplus"),
    )
}
_L3, _L5, _L7, _L9, _L11 = (np.float32(1 / n) for n in (3, 5, 7, 9, 11))
_SERVED = np.float32(np.nan)  # equal to nothing
_IDENTITY, _SIGMOID, _TANH, _RELU, LEAKY_RELU, PRELU, MAXOUT, _SOFTPLUS = range(8)


@compiled
def forward(code, z, z_at, a, a_at, batch, rows, units, slope, slope_at, bits):
    """a <- activation(z). `bits` is int32 scratch of at least a's size."""
    size = batch * units
    z_of, a_of = part(z, z_at, batch * rows), part(a, a_at, size)
    if code == _RELU:
        for i in range(size):
            a_of[i] = max(z_of[i], ZERO)
    elif code == _SIGMOID:
        for i in range(size):
            a_of[i] = tanh(z_of[i] * HALF) * HALF + HALF
    elif code == _TANH:
        for i in range(size):
            a_of[i] = tanh(z_of[i])
    elif code in (LEAKY_RELU, PRELU):
        for start in range(0, size, units):
            _leaky(part(z, z_at + start, units), part(a, a_at + start, units), part(slope, slope_at, units))
    elif code == MAXOUT:
        for i in range(batch):
            _largest_piece(part(z, z_at + i * rows, rows), part(a, a_at + i * units, units))
    elif code == _SOFTPLUS:
        _softplus(z_of, a_of, bits)
    else:
        for i in range(size):
            a_of[i] = z_of[i]


@compiled
def backward(code, dl_da, z, z_at, a, a_at, batch, rows, units, slope, slope_at, g, g_at):
    """z <- dl/dz = dl/da * sigma'(z); where slopes are learned, their gradient too, to g from g_at on."""
    size = batch * units
    z_of, a_of = part(z, z_at, batch * rows), part(a, a_at, size)
    if code == _RELU:
        for i in range(size):
            z_of[i] = dl_da[i] if z_of[i] > ZERO else ZERO
    elif code == _SIGMOID:
        for i in range(size):
            z_of[i] = dl_da[i] * (a_of[i] * (ONE - a_of[i]))
    elif code == _TANH:
        for i in range(size):
            z_of[i] = dl_da[i] * (ONE - a_of[i] * a_of[i])
    elif code in (LEAKY_RELU, PRELU):
        if code == PRELU:
            _slope_gradient(dl_da, z, z_at, size, part(g, g_at, units))
        for start in range(0, size, units):
            _through_leaky(part(dl_da, start, units), part(z, z_at + start, units), part(slope, slope_at, units))
    elif code == MAXOUT:
        for i in range(batch):
            z_row, a_row = part(z, z_at + i * rows, rows), part(a, a_at + i * units, units)
            _to_winning_piece(part(dl_da, i * units, units), z_row, a_row)
    elif code == _SOFTPLUS:
        for i in range(size):
            z_of[i] = dl_da[i] * (tanh(z_of[i] * HALF) * HALF + HALF)
    else:
        for i in range(size):
            z_of[i] = dl_da[i]


@compiled
def _softplus(z, a, bits):
    """max(z, 0) + ln(1 + exp(-|z|)), the logarithm by its series in t = e / (2 + e): at most 1/3, so six terms do."""
    for i in range(a.size):
        a[i] = -abs(z[i])
    exp_in_place(a, bits)
    for i in range(a.size):
        t = a[i] / (ONE + ONE + a[i])
        s = t * t
        series = (((((_L11 * s + _L9) * s + _L7) * s + _L5) * s + _L3) * s + ONE) * t
        a[i] = max(z[i], ZERO) + series + series


@compiled
def _leaky(z, a, slope):
    for j in range(a.size):
        a[j] = max(z[j], ZERO) + slope[j] * min(z[j], ZERO)


@compiled
def _through_leaky(dl_da, z, slope):
    for j in range(z.size):
        z[j] = dl_da[j] * (ONE if z[j] > ZERO else slope[j])


@compiled
def _slope_gradient(dl_da, z, z_at, size, gradient):
    gradient[:] = ZERO
    for start in range(0, size, gradient.size):
        upper, own = part(dl_da, start, gradient.size), part(z, z_at + start, gradient.size)
        for j in range(gradient.size):
            gradient[j] += upper[j] * min(own[j], ZERO)


@compiled
def _largest_piece(z, a):
    units = a.size
    for j in range(units):
        a[j] = z[j]
    for start in range(units, z.size, units):
        piece = part(z, start, units)
        for j in range(units):
            a[j] = max(a[j], piece[j])


@compiled
def _to_winning_piece(dl_da, z, a):
    """Each unit's dl/da goes to its first winning piece; `a`, no longer needed, marks the units that are served."""
    units = a.size
    for start in range(0, z.size, units):
        piece = part(z, start, units)
        for j in range(units):
            wins = piece[j] == a[j]
            piece[j] = dl_da[j] if wins else ZERO
            a[j] = _SERVED if wins else a[j]
