"""Dropout masks, drawn and applied in one pass.

The random integers are those of `randomness.lanes`: two units from every 32-bit draw.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.kernels.compiled.jit import ZERO, compiled, inner

_LOW = np.uint64(0xFFFFFFFF)
_S15, _S16, _S32 = np.uint32(15), np.uint32(16), np.uint64(32)
_M1, _M2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_LANE = np.uint32(0xFFFF)


@compiled
def apply_fresh_mask(source, target, mask, key, threshold, scale):
    """target <- source * mask, for a mask drawn from the stream `key` and kept for the backward pass.

    source, target, mask: flat float32 arrays, (batch * units,). A unit stays if 16 random bits reach `threshold`;
    its mask is then `scale`, else 0. `target` may be `source`.
    """
    first, second = np.uint32(key & _LOW), np.uint32(key >> _S32)
    pairs = source.size // 2
    for pair in range(pairs):
        x = _bits(np.uint32(pair), first, second)
        mask[2 * pair] = scale if (x & _LANE) >= threshold else ZERO
        mask[2 * pair + 1] = scale if (x >> _S16) >= threshold else ZERO
    if source.size % 2:
        x = _bits(np.uint32(pairs), first, second)
        mask[source.size - 1] = scale if (x & _LANE) >= threshold else ZERO
    for i in range(source.size):
        target[i] = source[i] * mask[i]


@compiled
def fresh_mask(mask, key, threshold, scale):
    """The mask alone, (size,). It is written out again: a loop shared by both makes small dense layers slower."""
    first, second = np.uint32(key & _LOW), np.uint32(key >> _S32)
    for pair in range(mask.size // 2):
        x = _bits(np.uint32(pair), first, second)
        mask[2 * pair] = scale if (x & _LANE) >= threshold else ZERO
        mask[2 * pair + 1] = scale if (x >> _S16) >= threshold else ZERO
    if mask.size % 2:
        x = _bits(np.uint32(mask.size // 2), first, second)
        mask[mask.size - 1] = scale if (x & _LANE) >= threshold else ZERO


@inner
def fresh_mask_from(mask, first, key, threshold, scale):
    """The part of a mask, (size,), that begins with element `first` of the whole, an even number."""
    low, high = np.uint32(key & _LOW), np.uint32(key >> _S32)
    before, pairs = first // 2, mask.size // 2
    for pair in range(pairs):
        x = _bits(np.uint32(before + pair), low, high)
        mask[2 * pair] = scale if (x & _LANE) >= threshold else ZERO
        mask[2 * pair + 1] = scale if (x >> _S16) >= threshold else ZERO
    if mask.size % 2:
        x = _bits(np.uint32(before + pairs), low, high)
        mask[mask.size - 1] = scale if (x & _LANE) >= threshold else ZERO


@inner
def _bits(counter, first, second):
    x = counter ^ first  # Numba widens to 64 bits, so products are reduced to 32 bits by hand
    x = np.uint32((x ^ (x >> _S16)) * _M1) ^ second
    x = np.uint32((x ^ (x >> _S15)) * _M2)
    return np.uint32(x ^ (x >> _S16))
