"""Images with their pixels permuted: one fixed permutation, the same for every image, run and seed.

Nothing is lost, but neighbours are no longer neighbours. To a dense network the images are as good as before; what a
convolution gains from the neighbourhood of pixels is gone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.data.dataset import Dataset
from workbench.engine.training.randomness import Purpose, keys, permutations

FIXED_SEED = 0  # the permutation is no part of a run's randomness


def order_of_pixels(places: int) -> np.ndarray:
    """Which place each place takes its pixel from: (places,) int64, a function of their number alone."""
    order: np.ndarray = permutations(keys(FIXED_SEED, Purpose.PIXELS), places)[0]
    return order


def with_permuted_pixels(dataset: Dataset) -> Dataset:
    """The dataset of images with the pixels of each in another order; the channels of a pixel stay together."""
    height, width, channels = dataset.image
    pixels = dataset.inputs.reshape(-1, height * width, channels)[:, order_of_pixels(height * width)]
    return replace(dataset, inputs=pixels.reshape(dataset.inputs.shape))
