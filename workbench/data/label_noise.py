"""Label noise: wrong labels, drawn for each run and example.

The draw belongs to an example of the pool, not to a place in the split. So noise does not depend on the sizes of the
split, and at a higher rate the wrong labels of a lower rate are the same.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.training.randomness import Purpose, keys, uniform

OF_TEST = 2  # noise of test labels is drawn apart, so that it strikes others than noise of training labels does


def noisy_labels(labels: np.ndarray, seeds: np.ndarray, rates: np.ndarray, classes: int, stream: int = 0) -> np.ndarray:
    """Each run's own copy of the labels, every label replaced with the run's rate by another class, drawn uniformly.

    labels: (examples,) int64; seeds: (runs,); rates: (runs,), from 0 to below 1; `stream`: 0, or `OF_TEST`. Returns
    (runs, examples) int64.
    """
    struck = uniform(keys(seeds, Purpose.LABEL_NOISE, part=stream), len(labels)) < rates[:, None]
    other = (uniform(keys(seeds, Purpose.LABEL_NOISE, part=stream + 1), len(labels)) * (classes - 1)).astype(np.int64)
    other += other >= labels
    return np.where(struck, other, labels)
