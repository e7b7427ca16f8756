"""Elementary functions of one float32 as polynomials, so that loops over them vectorise. All agree with NumPy's to a
few ulp.

exp: Cody and Waite's reduction to [-ln2/2, ln2/2] and the degree-6 polynomial of Cephes' `expf`. log: the polynomial of
Cephes' `logf` on [sqrt(1/2), sqrt(2)]. tanh: x P(x^2) / Q(x^2), the rational minimax form of degree 13 / 6 that Eigen
uses; beyond +-9 the float32 result is +-1.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types

from workbench.engine.kernels.compiled.jit import HALF, ONE, ZERO, compiled, intrinsic
from workbench.engine.kernels.compiled.native import FLOAT
from workbench.untyped import NumbaType

_LOG2E = np.float32(1.44269504088896341)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_SMALLEST, _LARGEST_EXPONENT = np.float32(-87.0), np.float32(88.0)
_E = tuple(
    np.float32(c) for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
)
_E0, _E1, _E2, _E3, _E4, _E5 = _E
_CLAMP = np.float32(7.90531110763549805)
_P = (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05)
_P0, _P1, _P2, _P3, _P4 = (np.float32(c) for c in _P)
_P5, _P6 = np.float32(6.37261928875436e-04), np.float32(4.89352455891786e-03)
_Q = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
_Q0, _Q1, _Q2, _Q3 = (np.float32(c) for c in _Q)
_L = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1)
_L0, _L1, _L2, _L3, _L4, _L5 = (np.float32(c) for c in _L)
_L6, _L7, _L8 = np.float32(2.0000714765e-1), np.float32(-2.4999993993e-1), np.float32(3.3333331174e-1)
_ROOT_HALF, _SMALLEST_NORMAL, _SCALE = np.float32(0.70710678), np.float32(1.17549435e-38), np.float32(2**23)
_BIAS, _MANTISSA = np.int32(127), np.int32(23)
_MANTISSA_BITS, _HALF_BITS = np.int32(0x007FFFFF), np.int32(0x3F000000)
_INFINITY, _NAN = np.float32(np.inf), np.float32(np.nan)
_BITS = ir.IntType(32)


@intrinsic
def float_of(_context, bits):
    """The float32 whose bits are those of an int32."""

    def emit(_context: NumbaType, builder: ir.IRBuilder, _signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        return builder.bitcast(values[0], FLOAT)

    return types.float32(types.int32), emit


@intrinsic
def bits_of(_context, number):
    """The bits of a float32 as an int32."""

    def emit(_context: NumbaType, builder: ir.IRBuilder, _signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        return builder.bitcast(values[0], _BITS)

    return types.int32(types.float32), emit


@compiled
def larger(x, y):
    """The larger of two; NaN if either is NaN."""
    return x if (x > y) | (x != x) else y


@compiled
def smaller(x, y):
    """The smaller of two; NaN if either is NaN."""
    return x if (x < y) | (x != x) else y


@compiled
def sign(x):
    """-1, 0 or 1."""
    return np.float32(x > ZERO) - np.float32(x < ZERO)


@compiled
def exp(x):
    """e to the power of x; about 1e-38 below -87, infinite above 88."""
    r, power = _reduced(x)
    result = (_above_one(r) + ONE) * power
    return _INFINITY if x > _LARGEST_EXPONENT else result


@compiled
def expm1(x):
    """e to the power of x, minus 1; accurate for small x too."""
    r, power = _reduced(x)
    result = _above_one(r) * power + (power - ONE)
    return _INFINITY if x > _LARGEST_EXPONENT else result


@compiled
def _reduced(x):
    """r within +-ln2 / 2 and a power of two, such that e^x is e^r times the power."""
    v = min(max(x, _SMALLEST), _LARGEST_EXPONENT)
    n = np.floor(v * _LOG2E + HALF)
    return v - n * _LN2_HIGH - n * _LN2_LOW, float_of(np.int32((np.int32(n) + _BIAS) << _MANTISSA))


@compiled
def _above_one(r):
    """e^r - 1 for r within +-ln2 / 2."""
    p = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
    return p * r * r + r


@compiled
def log(x):
    """The natural logarithm; -inf at 0, NaN below."""
    is_tiny = x < _SMALLEST_NORMAL
    scaled = x * _SCALE if is_tiny else x
    bits = bits_of(scaled)
    exponent = np.float32((bits >> _MANTISSA) - np.int32(126)) - (np.float32(23) if is_tiny else ZERO)
    m = float_of(np.int32((bits & _MANTISSA_BITS) | _HALF_BITS))
    is_low = m < _ROOT_HALF
    exponent = exponent - ONE if is_low else exponent
    m = m + m - ONE if is_low else m - ONE
    s = m * m
    p = (((((_L0 * m + _L1) * m + _L2) * m + _L3) * m + _L4) * m + _L5) * m
    p = (((p + _L6) * m + _L7) * m + _L8) * m * s
    result = exponent * _LN2_HIGH + (m + (p + exponent * _LN2_LOW - HALF * s))
    result = _NAN if (x < ZERO) | (x != x) else result
    result = -_INFINITY if x == ZERO else result
    return x if x == _INFINITY else result


@compiled
def log1p(x):
    """ln(1 + x), accurate for small x too: it corrects for the rounding error of 1 + x."""
    above = ONE + x
    kept = above - ONE
    result = x if kept == ZERO else log(above) * (x / kept)
    return above if above == _INFINITY else result


@compiled
def tanh(x):
    """tanh of one float32."""
    v = min(max(x, -_CLAMP), _CLAMP)
    s = v * v
    p = _P0 * s + _P1
    p = p * s + _P2
    p = p * s + _P3
    p = p * s + _P4
    p = p * s + _P5
    p = p * s + _P6
    q = ((_Q0 * s + _Q1) * s + _Q2) * s + _Q3
    return v * p / q
