"""Images that a small network can learn, and packs of convolutional networks for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.data.dataset import Dataset
from workbench.data.run_data import RunData, prepare
from workbench.engine.training.pack import Pack

from .cases import classes_of, mixed_pack, pack_of

IMAGE = (6, 5, 2)
SMALL: dict[str, Any] = {"network": "cnn", "channels": (3, 4), "depth": 1, "width": 5, "batch_size": 8}


def images(classes: int, image: tuple[int, int, int] = IMAGE, examples: int = 60, stored: Any = np.float32) -> Dataset:
    """Noise with a bright square in one of the corners, the class; or its height as the number to be predicted."""
    draw = np.random.default_rng(5)
    height, width, _ = image
    pixels = draw.integers(0, 60, (examples, *image))
    corner = draw.integers(0, classes or 3, examples)
    for example, where in enumerate(corner):
        rows = slice(0, height // 2) if where < 2 else slice(height // 2, height)
        columns = slice(0, width // 2) if where % 2 else slice(width // 2, width)
        pixels[example, rows, columns] += 90
    targets = corner if classes else np.stack([corner, pixels.mean(axis=(1, 2, 3))], axis=1)
    inputs = pixels.reshape(examples, -1).astype(stored)
    return Dataset("toy images", inputs, targets, classes, None, 255.0, "0" * 16, image)


def image_data(
    pack: Pack, image: tuple[int, int, int] = IMAGE, examples: int = 60, stored: Any = np.float32
) -> RunData:
    """The data of a pack's runs: images, standardised, split by each run's seed."""
    dataset = images(classes_of(pack.loss), image, examples, stored)
    return prepare(dataset, pack.columns["seed"], np.zeros(pack.runs), ["standard"] * pack.runs, None, 0.2, 0.2)


def image_pack(runs: int, **given: Any) -> Pack:
    """A small convolutional pack; per-run numbers are given as one value or as one a run."""
    return pack_of(runs, **SMALL | given)


def mixed_image_pack(runs: int, content: int = 0, **given: Any) -> Pack:
    """Runs that differ in everything that may differ within a pack of convolutional networks."""
    draw = np.random.default_rng(content + 100)
    rates = {"map_dropout_rate": draw.choice([0.0, 0.2], runs), "channel_dropout_rate": draw.choice([0.0, 0.3], runs)}
    return mixed_pack(runs, content, **SMALL | rates | given)
