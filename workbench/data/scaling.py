"""How the inputs of a run are scaled: the table `SCALINGS`.

Each row gives a scale and a shift for every feature, applied as a minibatch is gathered: inputs * scale + shift.
Estimates come from the run's own training split alone, so nothing of its validation or test data leaks in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.data.columns import Columns

EXAMPLES_AT_ONCE = 4096


@dataclass(frozen=True)
class Scaling:
    """`fit(inputs, largest, index)`: the dataset's inputs as columns, its `largest`, and the training rows of each
    split, (splits, n); returns scale and shift of the columns' values, (splits, features) float64 each.
    """

    summary: str
    fit: Callable[[Columns, float, np.ndarray], tuple[np.ndarray, np.ndarray]]


def _none(inputs: Columns, _largest: float, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(index), len(inputs.unit))
    return np.broadcast_to(inputs.unit, shape), np.broadcast_to(inputs.origin, shape)


def _unit(inputs: Columns, largest: float, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(index), len(inputs.unit))
    return np.broadcast_to(inputs.unit / largest, shape), np.broadcast_to(inputs.origin / largest, shape)


def _standard(inputs: Columns, _largest: float, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, deviation = moments(inputs.values, index)
    return 1.0 / deviation, -mean / deviation


SCALINGS: dict[str, Scaling] = {
    "none": Scaling("inputs as they are stored", _none),
    "unit": Scaling("the dataset's largest value becomes 1", _unit),
    "standard": Scaling("mean 0 and deviation 1 of each feature over the run's own training split", _standard),
}


def moments(rows: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the chosen rows for every split: (examples, features), (splits, n) -> (splits, features).

    The deviation is the population's (divided by n); it is 1 for a feature that is constant over the chosen rows. The
    result of a split is the same bit for bit, whichever splits stand beside it.
    """
    mean, deviation = (_moments_of_bytes if rows.dtype == np.uint8 else _moments_of_floats)(rows, index)
    deviation[deviation == 0] = 1.0
    return mean, deviation


def _moments_of_bytes(rows: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All splits at once, as products of a 0/1 matrix (splits, examples) with the rows and with their squares.

    The sums are integers below 2^53, so float64 holds them exactly in whatever order they are added up.
    """
    chosen = np.zeros((len(index), len(rows)), np.bool_)
    np.put_along_axis(chosen, index, True, axis=1)
    sums = np.zeros((len(index), rows.shape[1]))
    squares = np.zeros_like(sums)
    for start in range(0, len(rows), EXAMPLES_AT_ONCE):
        part = slice(start, start + EXAMPLES_AT_ONCE)
        weights, values = chosen[:, part].astype(np.float64), rows[part].astype(np.float64)
        sums += weights @ values
        squares += weights @ (values * values)
    count = index.shape[1]
    exact, exact_squares = sums.astype(np.int64), squares.astype(np.int64)
    return sums / count, np.sqrt(count * exact_squares - exact * exact) / count


def _moments_of_floats(rows: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One split after the other, since the order of summation must not depend on the other splits."""
    mean = np.empty((len(index), rows.shape[1]))
    deviation = np.empty_like(mean)
    for split, chosen in enumerate(index):
        values = rows[chosen].astype(np.float64)
        mean[split] = values.mean(axis=0)
        deviation[split] = _root_mean_square(values - mean[split])
        # The rounded mean must not make a constant feature seem to vary.
        deviation[split, values.min(axis=0) == values.max(axis=0)] = 0.0
    return mean, deviation


def _root_mean_square(values: np.ndarray) -> np.ndarray:
    """Of each column, (n, columns) -> (columns,). A power of two keeps squares from over- and underflowing."""
    power = np.frexp(np.abs(values).max(axis=0))[1]
    scaled = np.ldexp(values, -power)
    return np.ldexp(np.sqrt((scaled * scaled).mean(axis=0)), power)
