"""A learning curve carried on: a power law with an asymptote, and how far it can be trusted.

The law is error(epoch) = asymptote + scale * epoch ** -exponent, all three of them 0 or more (Cortes et al. 1993). That
a curve follows it so far beyond the epochs seen is an assumption. It fails where a rate decays later, where
regularization pays late, and where a network overfits. So an interval that assumes it, by resampling seeds, is too
narrow; beside it stands one from the errors that such forecasts made on curves whose end is known.

Deterministic: the generator has a fixed seed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar, nnls

from workbench.report.statistics.intervals import CONFIDENCE, RESAMPLING_SEED, Interval

FEWEST_EPOCHS = 3  # the law has three parameters
EXPONENTS = np.geomspace(0.02, 4, 24)  # tried one by one, then refined: given it, the law is linear in the other two
SEED_DRAWS = 400
LEAST_ERROR = 1e-6  # an error of 0 has no logarithm and no relative size


class PowerLaw(NamedTuple):
    """error(epoch) = asymptote + scale * epoch ** -exponent."""

    asymptote: float
    scale: float
    exponent: float

    def at(self, epoch: float) -> float:
        """The error after so many epochs."""
        return float(self.asymptote + self.scale * epoch**-self.exponent)


def fit(epochs: np.ndarray, errors: np.ndarray) -> PowerLaw:
    """The power law nearest in relative error; `epochs` from 1 on and `errors` are (points,).

    Raises ValueError for fewer than three points.
    """
    if len(epochs) < FEWEST_EPOCHS:
        raise ValueError(f"a power law needs {FEWEST_EPOCHS} epochs or more, found {len(epochs)}")
    weights = 1 / np.maximum(errors, LEAST_ERROR)

    def linear(exponent: float) -> tuple[np.ndarray, float]:
        terms = np.stack([np.ones(len(epochs)), np.asarray(epochs, float) ** -exponent], axis=1)
        found, distance = nnls(terms * weights[:, None], errors * weights)
        return found, float(distance)

    logs = np.log(EXPONENTS)
    place = int(np.argmin([linear(exponent)[1] for exponent in EXPONENTS]))
    around = float(logs[max(place - 1, 0)]), float(logs[min(place + 1, len(logs) - 1)])
    exponent = float(np.exp(minimize_scalar(lambda log: linear(np.exp(log))[1], bounds=around, method="bounded").x))
    (asymptote, scale), _ = linear(exponent)
    return PowerLaw(float(asymptote), float(scale), exponent)


def carried_on(epochs: np.ndarray, curves: np.ndarray, to: float) -> tuple[float, Interval]:
    """The mean error after `to` epochs by the law of the mean curve, and its 95 % interval by resampling seeds.

    `curves` are (seeds, epochs). The interval assumes the law; of one seed its ends are NaN. With three seeds there are
    ten different resamples, and it reaches from the least to the largest of them.
    """
    point = fit(epochs, curves.mean(axis=0)).at(to)
    count = len(curves)
    if count < 2:
        return point, Interval(float("nan"), float("nan"))
    drawn = np.random.default_rng(RESAMPLING_SEED).multinomial(count, np.full(count, 1 / count), SEED_DRAWS)
    shares, times = np.unique(drawn, axis=0, return_counts=True)
    ends = np.array([fit(epochs, share @ curves / count).at(to) for share in shares])
    low, high = np.quantile(np.repeat(ends, times), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return point, Interval(float(low), float(high))


def misses(foretold: np.ndarray, true: np.ndarray) -> np.ndarray:
    """By what factor forecasts missed, in logarithms: |ln(true / foretold)|, elementwise."""
    held, came = np.maximum(foretold, LEAST_ERROR), np.maximum(true, LEAST_ERROR)
    found: np.ndarray = np.abs(np.log(came / held))
    return found


def trusted_factor(missed: np.ndarray, confidence: float = CONFIDENCE) -> float:
    """The factor, up or down, that holds a further forecast with this confidence, if it is made like those of `missed`.

    It is the split conformal bound: of n forecasts the ceil((n + 1) * confidence)-th smallest miss. Of too few for this
    confidence (under 19 for 95 %) it is their largest miss, which holds the next one in n of n + 1 cases.
    """
    ordered = np.sort(missed)
    place = min(int(np.ceil((len(ordered) + 1) * confidence)), len(ordered))
    return float(np.exp(ordered[place - 1]))
