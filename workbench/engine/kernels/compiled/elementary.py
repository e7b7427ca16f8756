"""exp and tanh of float32 as polynomials, so that loops over them vectorise; both agree with NumPy's to a few ulp.

exp: Cody and Waite's reduction to [-ln2/2, ln2/2] and the degree-6 polynomial of Cephes' `expf`. tanh: x P(x^2) /
Q(x^2), the rational minimax form of degree 13 / 6 used by Eigen, beyond +-9 the float32 result is +-1.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.jit import HALF, ONE, compiled

_LOG2E = np.float32(1.44269504088896341)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_SMALLEST, _LARGEST = np.float32(-87.0), np.float32(88.0)
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
_BIAS, _MANTISSA = np.int32(127), np.int32(23)


@compiled
def exp_in_place(x, bits):
    """x <- exp(x) for a flat float32 array;

    `bits`, int32 of at least that size, is scratch. Below -87 the result is about 1e-38.
    """
    powers = bits.view(np.float32)
    for i in range(x.size):
        v = min(max(x[i], _SMALLEST), _LARGEST)
        n = np.floor(v * _LOG2E + HALF)
        r = v - n * _LN2_HIGH - n * _LN2_LOW
        p = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
        x[i] = p * r * r + r + ONE
        bits[i] = (np.int32(n) + _BIAS) << _MANTISSA
    for i in range(x.size):
        x[i] *= powers[i]


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
