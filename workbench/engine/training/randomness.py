"""Random numbers as a function of (seed, purpose, step): there is no generator with a state to lose or share.

Every draw is an integer hash of a counter under a 64-bit key, and the key is a hash of the run's seed, the purpose of
the draw and the step. So the split, the initial weights, the order of minibatches and the dropout masks of a run do
not depend on which runs are packed beside it, on whether training was interrupted, or on the backend: only integer
arithmetic is used, which gives the same results in NumPy and CuPy.

The key hash is the finaliser of SplitMix64 (Steele, Lea and Flood 2014); the counter hash is a two-multiplication
32-bit mixer (the constants are Wellons' `lowbias32`, 2018) that takes one half of the key before each multiplication.
"""

from __future__ import annotations

from enum import IntEnum
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray  # or a cupy.ndarray, which has the same interface

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class Purpose(IntEnum):
    """What a draw is for. The numbers are part of every run's results: never renumber them."""

    SPLIT = 1
    LABEL_NOISE = 2
    WEIGHTS = 3
    ORDER = 4
    DROPOUT = 5
    MONTE_CARLO = 6
    DATASET = 7
    SHIFT = 8
    PIXELS = 9


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser: a bijection of the 64-bit integers in which every input bit moves every output bit."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def keys(seeds: ArrayLike, purpose: Purpose, step: ArrayLike = 0, part: ArrayLike = 0) -> np.ndarray:
    """The 64-bit keys of the streams (seed, purpose, step, part).

    `seeds`, `step` and `part` are non-negative integers or integer arrays that broadcast against each other; `part`
    tells apart the streams of one purpose, such as the layers. Returns uint64 of the broadcast shape, on the host.
    """
    seeds, step, part = (np.atleast_1d(np.asarray(value, np.uint64)) for value in (seeds, step, part))
    key = _mix(seeds * _GOLDEN + _GOLDEN)
    for number in (np.asarray([int(purpose)], np.uint64), part, step):
        key = _mix((key ^ number) * _GOLDEN + _GOLDEN)
    return key


def bits(stream: Array, count: int, xp: ModuleType = np) -> Array:
    """`count` random 32-bit integers of each stream: (streams,) uint64 keys -> (streams, count) uint32.

    To draw on the device, pass `xp=cupy` and keys that are on the device.
    """
    first = (stream & np.uint64(0xFFFFFFFF)).astype(np.uint32)[:, None]
    second = (stream >> np.uint64(32)).astype(np.uint32)[:, None]
    x = xp.arange(count, dtype=np.uint32)[None, :] ^ first
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= second
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def lanes(stream: Array, count: int, xp: ModuleType = np) -> Array:
    """`count` random 16-bit integers of each stream: (streams,) -> (streams, count) uint16.

    Two come from every 32-bit draw.
    """
    return bits(stream, (count + 1) // 2, xp).view(np.uint16)[:, :count]


def uniform(stream: Array, count: int, xp: ModuleType = np) -> Array:
    """`count` numbers of each stream from the open interval (0, 1), on a grid of 2^-32: (streams, count) float64."""
    return (bits(stream, count, xp).astype(np.float64) + 0.5) * 2.0**-32


def normal(stream: Array, count: int, xp: ModuleType = np) -> Array:
    """`count` standard normal numbers of each stream (Box and Muller 1958): (streams, count) float64."""
    half = (count + 1) // 2
    u = uniform(stream, 2 * half, xp)
    radius, angle = np.sqrt(-2.0 * np.log(u[:, :half])), 2.0 * np.pi * u[:, half:]
    return xp.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :count]


def permutations(stream: Array, count: int, xp: ModuleType = np) -> Array:
    """A random order of range(count) for each stream: (streams, count) int64.

    The positions are sorted by a random integer; the position itself breaks ties, so the order is the same everywhere.
    """
    position = xp.arange(count, dtype=np.uint64)[None, :]
    sortable = bits(stream, count, xp).astype(np.uint64)
    sortable <<= np.uint64(32)
    sortable |= position
    sortable.sort(axis=1)
    sortable &= np.uint64(0xFFFFFFFF)
    return sortable.view(np.int64)
