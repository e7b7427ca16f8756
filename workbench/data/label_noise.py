"""Label noise: wrong labels, drawn for each run and example.

The draw belongs to an example of the pool, not to a place in the split. So noise does not depend on the sizes of the
split, and at a higher rate the wrong labels of a lower rate are the same.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.training.randomness import Purpose, keys, uniform


def noisy_labels(labels: np.ndarray, seeds: np.ndarray, rates: np.ndarray, classes: int) -> np.ndarray:
    """Each run's own labels: at the run's rate, a label is replaced by another class, drawn uniformly.

    labels: (examples,) int64; seeds: (runs,); rates: (runs,), from 0 to below 1. Returns (runs, examples) int64.
    """
    struck = uniform(keys(seeds, Purpose.LABEL_NOISE, part=0), len(labels)) < rates[:, None]
    other = (uniform(keys(seeds, Purpose.LABEL_NOISE, part=1), len(labels)) * (classes - 1)).astype(np.int64)
    other += other >= labels
    return np.where(struck, other, labels)
