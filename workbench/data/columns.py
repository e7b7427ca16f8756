"""Columns for computation: each with its own origin and unit, so that float32 can hold it.

A time in milliseconds or a serial number varies little compared with its size. Float32 would round this variation away
before scaling; values of 1e-50 would all be 0, the square of 1e160 infinite. So such a column is stored as (number -
origin) / unit. The origin is its smallest number and the unit a power of two, so neither rounds anything. All other
columns stay the same to the last bit. Origin and unit belong to the whole dataset and change scaled inputs only by
rounding: nothing is estimated here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A column whose largest number is so many times its spread has an origin: float32 would round its scaled values to
# 2^-24 times this, and more. Products of scaled and shifted numbers have room between the two sizes.
OUTLIER_SPREADS = 8.0
SMALL, LARGE = 2.0**-40, 2.0**40
EXACT = 2.0**53  # float64 holds every integer below


@dataclass(frozen=True)
class Columns:
    """values (examples, columns) in the dtype they are stored in; origin, unit (columns,) float64.

    A number of the dataset is value * unit + origin.
    """

    values: np.ndarray
    origin: np.ndarray
    unit: np.ndarray


def columns(given: np.ndarray) -> Columns:
    """The numbers (examples, columns) of a dataset as they are computed with; images, uint8, are kept as they are."""
    origin, unit = np.zeros(given.shape[1]), np.ones(given.shape[1])
    if given.dtype == np.uint8:
        return Columns(given, origin, unit)
    low, high = given.min(axis=0).astype(np.float64), given.max(axis=0).astype(np.float64)
    with np.errstate(over="ignore"):
        spread, largest = high - low, np.maximum(np.abs(low), np.abs(high))
    far = largest / OUTLIER_SPREADS > spread
    origin[far] = low[far]
    reach = np.where(far, spread, largest)
    extreme = (reach > 0) & ((reach < SMALL) | (reach > LARGE))
    unit[extreme] = np.ldexp(1.0, np.frexp(reach[extreme])[1] - 1)
    if not (far | extreme).any():
        return Columns(given, origin, unit)
    return Columns(narrowest((given.astype(np.float64) - origin) / unit), origin, unit)


def narrowest(numbers: np.ndarray) -> np.ndarray:
    """The same numbers as float32 if that holds every one of them exactly, else as float64; uint8 stays uint8.

    Integers and long doubles beyond float64 are rounded to it.
    """
    if numbers.dtype == np.uint8:
        return numbers
    with np.errstate(over="ignore", under="ignore"):
        wide = numbers.astype(np.float64)
        narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide) else wide


def rounded_together(given: np.ndarray, held: np.ndarray) -> int | None:
    """The first column in which numbers that were given apart are held as one; None if there is none."""
    if np.abs(held).max() < EXACT if given.dtype.kind in "bui" else given.dtype.itemsize <= 8:
        return None
    counts = ([len(np.unique(column)) for column in numbers.T] for numbers in (given, held))
    return next((place for place, (apart, left) in enumerate(zip(*counts, strict=True)) if left < apart), None)
