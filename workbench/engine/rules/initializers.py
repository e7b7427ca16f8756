"""Initial weights: the spread of a layer's weights at the start, as a function of fan-in and fan-out. Biases start at
zero.

The draws happen on the host for both backends and depend only on seed and layer. Equal seeds give equal weights
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from workbench.engine.training.randomness import Purpose, keys, normal, uniform

if TYPE_CHECKING:
    from workbench.engine.layers.base import Tensor


@dataclass(frozen=True)
class Initializer:
    """One row of `INITIALIZERS`: `spread(fan_in, fan_out, init_scale)` is the half-width if `distribution` is
    "uniform", the standard deviation if it is "normal"; `reads` is ("init_scale",) if the spread depends on it.

    "truncated" is normal; what lies beyond two deviations is drawn anew. "sparse" is normal too, but each unit reads
    only `READ_BY_SPARSE` of its inputs, and all its other weights are 0.
    """

    summary: str
    distribution: str
    spread: Callable[[int, int, float], float]
    reads: tuple[str, ...] = ()


INITIALIZERS: dict[str, Initializer] = {
    "fan_in": Initializer(
        "uniform within 1 / sqrt(fan_in) (LeCun et al. 1998)",
        "uniform",
        lambda fan_in, fan_out, scale: 1 / sqrt(fan_in),
    ),
    "glorot": Initializer(
        "uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)",
        "uniform",
        lambda fan_in, fan_out, scale: sqrt(6 / (fan_in + fan_out)),
    ),
    "glorot_sigmoid": Initializer(
        "four times glorot, as its authors advise for the sigmoid",
        "uniform",
        lambda fan_in, fan_out, scale: 4 * sqrt(6 / (fan_in + fan_out)),
    ),
    "he": Initializer(
        "normal with deviation sqrt(2 / fan_in) (He et al. 2015)",
        "normal",
        lambda fan_in, fan_out, scale: sqrt(2 / fan_in),
    ),
    "lecun": Initializer(
        "normal with deviation 1 / sqrt(fan_in) (LeCun et al. 1998)",
        "normal",
        lambda fan_in, fan_out, scale: 1 / sqrt(fan_in),
    ),
    "normal": Initializer(
        "normal with deviation init_scale", "normal", lambda fan_in, fan_out, scale: scale, reads=("init_scale",)
    ),
    "uniform": Initializer(
        "uniform within init_scale", "uniform", lambda fan_in, fan_out, scale: scale, reads=("init_scale",)
    ),
    "truncated": Initializer(
        "normal with deviation init_scale, without what lies beyond two deviations",
        "truncated",
        lambda fan_in, fan_out, scale: scale,
        reads=("init_scale",),
    ),
    "sparse": Initializer(
        "15 weights of each unit are normal with deviation init_scale, the others 0 (Martens 2010)",
        "sparse",
        lambda fan_in, fan_out, scale: scale,
        reads=("init_scale",),
    ),
    "zero": Initializer(
        "all weights zero: units that start alike stay alike", "uniform", lambda fan_in, fan_out, scale: 0.0
    ),
}


def initial_weights(name: str, seed: int, layer: int, weights: Tensor, init_scale: float) -> np.ndarray:
    """The initial weights of one layer of one run, of the shape of `weights`, float64.

    They depend only on seed, layer and tensor.
    """
    initializer = INITIALIZERS[name]
    stream = keys(seed, Purpose.WEIGHTS, part=layer)
    assert weights.fans is not None
    spread = initializer.spread(*weights.fans, init_scale)
    return (spread * DISTRIBUTIONS[initializer.distribution](stream, weights)).reshape(weights.shape)


def _truncated(stream: np.ndarray, weights: Tensor) -> np.ndarray:
    """Standard normal numbers within two deviations, by the inverse of their distribution function."""
    from scipy.special import ndtr, ndtri  # late: it would double the time in which every process starts

    beyond = float(ndtr(-TRUNCATED_AT))
    return np.asarray(ndtri(beyond + (1 - 2 * beyond) * uniform(stream, weights.size)))


def _sparse(stream: np.ndarray, weights: Tensor) -> np.ndarray:
    """Standard normal numbers, of each row all but `READ_BY_SPARSE` set to 0; which ones stay is drawn too."""
    rows = (weights.shape[0], -1)
    places = uniform(keys(stream, Purpose.WEIGHTS, part=1), weights.size).reshape(rows).argsort(axis=1).argsort(axis=1)
    return normal(stream, weights.size).reshape(rows) * (places < READ_BY_SPARSE)


TRUNCATED_AT = 2.0  # deviations
READ_BY_SPARSE = 15
DISTRIBUTIONS: dict[str, Callable[[np.ndarray, Tensor], np.ndarray]] = {
    "uniform": lambda stream, weights: 2 * uniform(stream, weights.size) - 1,
    "normal": lambda stream, weights: normal(stream, weights.size),
    "truncated": _truncated,
    "sparse": _sparse,
}
