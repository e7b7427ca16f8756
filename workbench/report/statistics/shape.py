"""Whether an interval of a mean can be believed: how skewed the values are, and whether some stand apart."""

from __future__ import annotations

import numpy as np

MOST_SKEWED = 0.36  # skewness over the root of n: 1.25 at 12 values
APART = 3.0  # deviations of the larger part: a part of the values behind such a gap stands apart


def skewness(values: np.ndarray) -> float:
    """The skewness of `values` (n,); 0 of values that are all equal."""
    centred = np.asarray(values, dtype=float) - np.mean(values)
    scale = float(np.sqrt((centred**2).mean())) if len(centred) else 0.0
    if scale <= 1e-12 * float(np.abs(values).max(initial=0.0)):
        return 0.0
    return float(((centred / scale) ** 3).mean())


def is_skewed(values: np.ndarray) -> bool:
    """Whether `values` (n,) are too skewed for an interval to show that nothing lies beyond it.

    What the skewness does to an interval of the mean shrinks with the root of n (Hall 1992, 3.5).
    """
    return abs(skewness(values)) > MOST_SKEWED * np.sqrt(len(values))


def apart(values: np.ndarray, least: float = 0.0) -> np.ndarray:
    """Which of `values` (n,) stand apart, as collapsed runs do: the smaller part behind the widest gap, if any.

    The gap must be wider than `least` and than three deviations of the larger part; none if the parts are equal.
    """
    values = np.asarray(values, dtype=float)
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    found = np.zeros(len(values), dtype=bool)
    if not len(gaps):
        return found
    place = int(np.argmax(gaps)) + 1
    below, above = order[:place], order[place:]
    if len(below) == len(above):
        return found
    smaller, larger = (below, above) if len(below) < len(above) else (above, below)
    if gaps[place - 1] > max(least, APART * float(values[larger].std())):
        found[smaller] = True
    return found
