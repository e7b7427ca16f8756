"""The compiled form of each activation: bias and value on the way forward, gain on the way back.

z (batch, rows) and a (batch, units) are float32; the codes name the rows of `ACTIVATIONS` that have a compiled form.
`slope` (units,) is the slope left of zero.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.compiled.elementary import exp_in_place, tanh
from workbench.engine.compiled.jit import HALF, ONE, ZERO, compiled

CODES = {
    name: code
    for code, name in enumerate(
        ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "maxout", "softplus"),
    )
}
_L3, _L5, _L7, _L9, _L11 = (np.float32(1 / n) for n in (3, 5, 7, 9, 11))
_SERVED = np.float32(np.nan)  # equal to nothing
_IDENTITY, _SIGMOID, _TANH, _RELU, _LEAKY, PRELU, _MAXOUT, _SOFTPLUS = range(8)


@compiled
def add_bias(z, biases):
    """z <- z + b."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += biases[j]


@compiled
def forward(code, z, a, slope, bits):
    """a <- activation(z). `bits` is int32 scratch of at least z's size."""
    flat, out = z.reshape(z.size), a.reshape(a.size)
    if code == _RELU:
        for i in range(out.size):
            out[i] = max(flat[i], ZERO)
    elif code == _SIGMOID:
        for i in range(out.size):
            out[i] = tanh(flat[i] * HALF) * HALF + HALF
    elif code == _TANH:
        for i in range(out.size):
            out[i] = tanh(flat[i])
    elif code in (_LEAKY, PRELU):
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                a[i, j] = max(z[i, j], ZERO) + slope[j] * min(z[i, j], ZERO)
    elif code == _MAXOUT:
        _largest_piece(z, a)
    elif code == _SOFTPLUS:
        _softplus(flat, out, bits)
    else:
        for i in range(out.size):
            out[i] = flat[i]


@compiled
def backward(code, dl_da, z, a, slope, gradient_slope):
    """z <- dl/dz = dl/da * sigma'(z); where slopes are learned, their gradient too."""
    upper, flat, out = dl_da.reshape(dl_da.size), z.reshape(z.size), a.reshape(a.size)
    if code == _RELU:
        for i in range(upper.size):
            flat[i] = upper[i] if flat[i] > ZERO else ZERO
    elif code == _SIGMOID:
        for i in range(upper.size):
            flat[i] = upper[i] * (out[i] * (ONE - out[i]))
    elif code == _TANH:
        for i in range(upper.size):
            flat[i] = upper[i] * (ONE - out[i] * out[i])
    elif code in (_LEAKY, PRELU):
        if code == PRELU:
            _slope_gradient(dl_da, z, gradient_slope)
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                z[i, j] = dl_da[i, j] * (ONE if z[i, j] > ZERO else slope[j])
    elif code == _MAXOUT:
        _to_winning_piece(dl_da, z, a)
    elif code == _SOFTPLUS:
        for i in range(upper.size):
            flat[i] = upper[i] * (tanh(flat[i] * HALF) * HALF + HALF)
    else:
        for i in range(upper.size):
            flat[i] = upper[i]


@compiled
def _softplus(z, a, bits):
    """max(z, 0) + ln(1 + exp(-|z|)), the logarithm by its series in t = e / (2 + e): at most 1/3, so six terms do."""
    for i in range(z.size):
        a[i] = -abs(z[i])
    exp_in_place(a, bits[: z.size])
    for i in range(z.size):
        t = a[i] / (ONE + ONE + a[i])
        s = t * t
        series = (((((_L11 * s + _L9) * s + _L7) * s + _L5) * s + _L3) * s + ONE) * t
        a[i] = max(z[i], ZERO) + series + series


@compiled
def _slope_gradient(dl_da, z, gradient):
    gradient[:] = ZERO
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            gradient[j] += dl_da[i, j] * min(z[i, j], ZERO)


@compiled
def _largest_piece(z, a):
    units = a.shape[1]
    for i in range(a.shape[0]):
        largest = a[i]
        largest[:] = z[i, :units]
        for start in range(units, z.shape[1], units):
            _keep_larger(largest, z[i, start : start + units])


@compiled
def _keep_larger(largest, piece):
    for j in range(piece.size):
        largest[j] = max(largest[j], piece[j])


@compiled
def _to_winning_piece(dl_da, z, a):
    """Each unit's dl/da goes to its first winning piece; `a`, no longer needed, marks the units that are served."""
    units = a.shape[1]
    for i in range(a.shape[0]):
        for start in range(0, z.shape[1], units):
            _serve(dl_da[i], z[i, start : start + units], a[i])


@compiled
def _serve(dl_da, piece, largest):
    for j in range(piece.size):
        wins = piece[j] == largest[j]
        piece[j] = dl_da[j] if wins else ZERO
        largest[j] = _SERVED if wins else largest[j]
