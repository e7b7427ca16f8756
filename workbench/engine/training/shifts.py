"""Shifts: data augmentation that moves each training image by a few pixels, drawn anew at every step.

The moves of a minibatch are a function of the run's seed and the step, so every arm of a sweep sees the same images.
Validation and test examples are not moved, nor are those that are probed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Shape
from workbench.engine.training.randomness import Purpose, bits, keys


def moves(columns: Mapping[str, np.ndarray], steps: np.ndarray, batch: int) -> np.ndarray:
    """How many pixels down and to the right each example moves: (steps, runs, batch, 2) int16.

    All whole numbers from -k to k are equally likely, for the run's k in the column `shift_pixels`.
    """
    found = np.empty((len(steps), len(columns["seed"]), batch, 2), np.int16)
    if not len(steps):
        return found
    for run, (seed, most) in enumerate(zip(columns["seed"], columns["shift_pixels"], strict=True)):
        draws = bits(keys(int(seed), Purpose.SHIFT, step=steps), 2 * batch).astype(np.uint64)
        draws *= np.uint64(2 * most + 1)
        found[:, run] = (draws >> np.uint64(32)).reshape(-1, batch, 2).astype(np.int16) - np.int16(most)
    return found


def moving(columns: Mapping[str, np.ndarray], image: Shape) -> Shape:
    """The shape of the images that move; () if those of no run do."""
    return image if columns["shift_pixels"].any() else ()


def moved(images: Array, by: Array, shape: Shape, xp: ModuleType) -> Array:
    """The images (runs, batch, features), of `shape` each, moved `by` (runs, batch, 2). New pixels are 0."""
    height, width, channels = shape
    rows = xp.arange(height) - by[..., 0, None]
    columns = xp.arange(width) - by[..., 1, None]
    pixels = xp.clip(rows, 0, height - 1)[..., :, None] * width + xp.clip(columns, 0, width - 1)[..., None, :]
    within = _within(rows, height)[..., :, None] & _within(columns, width)[..., None, :]
    each, flat = (*images.shape[:2], height * width, channels), (*images.shape[:2], height * width, 1)
    found = xp.take_along_axis(images.reshape(each), pixels.reshape(flat), axis=2) * within.reshape(flat)
    return found.reshape(images.shape)


def _within(places: Array, size: int) -> Array:
    return (places >= 0) & (places < size)
