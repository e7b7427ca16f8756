"""Quadratics of a given spectrum as data: linear regression whose loss has these curvatures.

`network.depth=0` with `data=quadratic` is gradient descent on a quadratic: the loss, half the mean squared error, has
the covariance of the inputs as its Hessian. Inputs are drawn from a fixed key, as spirals are; the curvatures of a
run's own training examples are those asked for up to sampling.
"""

from __future__ import annotations

import numpy as np

from workbench.data.dataset import Dataset, Facts, Known, Settings, Source, largest_magnitude, require, text_digest
from workbench.data.synthetic import FEWEST_EXAMPLES
from workbench.engine.training.randomness import Purpose, keys, normal

QUADRATIC_VERSION = 1  # part of the digest: raise it whenever other numbers are drawn


def curvatures(settings: Settings) -> np.ndarray:
    """The numbers of data.spectrum, (features,) float64. Raises BadInput unless all of them are over 0."""
    values = np.array([int(text) for text in str(settings.spectrum).strip("[]").split(",")], dtype=float)
    require(bool((values > 0).all()), f"data.spectrum: found {settings.spectrum}; allowed are integers of at least 1")
    return values


def quadratic(spectrum: np.ndarray, examples: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (examples, features) float32 with uncorrelated columns of mean 0 and mean square `spectrum`; targets
    (examples, 1) float64: their sum weighted so that each direction matters as much, and Gaussian noise of deviation
    `noise`.

    Over all examples the covariance is exactly diagonal with the spectrum, down to rounding.
    """
    count = len(spectrum)
    draws = normal(keys(0, Purpose.DATASET, part=np.arange(3, 3 + count)), examples).T
    columns, _ = np.linalg.qr(draws - draws.mean(axis=0))
    directions = columns * np.sqrt(examples)
    targets = directions.sum(axis=1) / np.sqrt(count) + noise * normal(keys(0, Purpose.DATASET, part=2), examples)[0]
    return (directions * np.sqrt(spectrum)).astype(np.float32), targets[:, None]


def _digest(settings: Settings) -> str:
    spectrum = ",".join(f"{value:g}" for value in curvatures(settings))
    return text_digest(
        f"quadratic version={QUADRATIC_VERSION} spectrum={spectrum} examples={settings.examples} "
        f"noise={float(settings.noise)!r}"
    )


def _known(settings: Settings) -> Known:
    spectrum = curvatures(settings)
    least = max(FEWEST_EXAMPLES, len(spectrum) + 1)
    require(
        settings.examples >= least, f"data.examples: found {settings.examples}; quadratic needs at least {least} here"
    )
    require(0 <= settings.noise < np.inf, f"data.noise: found {settings.noise}; quadratic needs a number of at least 0")
    return Known(_digest(settings), Facts(settings.examples, features=len(spectrum), classes=0, outputs=1))


def _load(settings: Settings) -> Dataset:
    known = _known(settings)
    inputs, targets = quadratic(curvatures(settings), settings.examples, settings.noise)
    return Dataset("quadratic", inputs, targets, 0, None, largest_magnitude(inputs), known.digest)


QUADRATIC = {
    "quadratic": Source(
        "linear regression whose loss has the curvatures data.spectrum; data.examples, data.noise",
        _load,
        _known,
        reads=("spectrum", "examples", "noise"),
    )
}
