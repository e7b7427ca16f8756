"""Datasets that are generated: two interleaved spirals, four Gaussian blobs.

They are drawn from one fixed key, not from a run's seed: all runs of a sweep share one dataset, and a run's seed
decides which of its examples it trains on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.data.dataset import Dataset, Facts, Known, Settings, Source, largest_magnitude, require, text_digest
from workbench.engine.training.randomness import Purpose, keys, normal, uniform

# Part of the digests: raise it whenever a generator draws other numbers than before.
SYNTHETIC_VERSION = 1
FEWEST_EXAMPLES = 10
TURNS = 1.5


def spirals(examples: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved spirals of one and a half turns: inputs (examples, 2) float32, labels (examples,) int64.

    Neighbouring arms lie 1 apart, so the outer radius is 3; `noise` is the deviation of Gaussian noise in that unit.
    """
    labels = np.arange(examples) % 2
    # The root spreads the points about evenly along the arm, whose length grows with the square of the radius.
    along = np.sqrt(uniform(keys(0, Purpose.DATASET), examples)[0])
    angle = 2 * np.pi * TURNS * along + np.pi * labels
    radius = 2 * TURNS * along
    return _noisy(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), noise), labels


def blobs(examples: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Four Gaussian blobs, a class each: inputs (examples, 2) float32, labels (examples,) int64.

    Their centres are the corners of a square of side 1 about the origin; `noise` is their deviation in that unit.
    """
    labels = np.arange(examples) % 4
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return _noisy(corners[labels], noise), labels


def _noisy(points: np.ndarray, noise: float) -> np.ndarray:
    """Points (examples, 2) with Gaussian noise of the given deviation, as float32."""
    draws = normal(keys(0, Purpose.DATASET, part=np.array([1, 2])), len(points))
    return (points + noise * draws.T).astype(np.float32)


def _source(name: str, summary: str, classes: int, generate: Callable[[int, float], tuple]) -> Source:
    def digest(settings: Settings) -> str:
        return text_digest(
            f"{name} version={SYNTHETIC_VERSION} examples={settings.examples} noise={float(settings.noise)!r}"
        )

    def known(settings: Settings) -> Known:
        _check(name, settings)
        return Known(digest(settings), Facts(settings.examples, features=2, classes=classes, outputs=classes))

    def load(settings: Settings) -> Dataset:
        _check(name, settings)
        inputs, labels = generate(settings.examples, settings.noise)
        return Dataset(name, inputs, labels, classes, None, largest_magnitude(inputs), digest(settings))

    return Source(summary, load, known, reads=("examples", "noise"))


def _check(name: str, settings: Settings) -> None:
    require(
        settings.examples >= FEWEST_EXAMPLES,
        f"data.examples: found {settings.examples}; {name} needs at least {FEWEST_EXAMPLES}",
    )
    require(
        0 <= settings.noise < np.inf, f"data.noise: found {settings.noise}; {name} needs a finite number of at least 0"
    )


SYNTHETIC = {
    "spirals": _source("spirals", "two interleaved spirals in the plane; data.examples, data.noise", 2, spirals),
    "blobs": _source("blobs", "four Gaussian blobs in the plane; data.examples, data.noise", 4, blobs),
}
