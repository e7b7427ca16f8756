from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.data.dataset import Dataset
from workbench.data.mnist import FOLDER_VARIABLE, TRAIN_IMAGES


@pytest.fixture(scope="session")
def settings() -> Callable[..., Any]:
    """Settings of a dataset by name, with the defaults of the configuration."""

    def make(name: str, **changes: Any) -> SimpleNamespace:
        return SimpleNamespace(
            **{
                "name": name,
                "dir": None,
                "path": None,
                "examples": 1000,
                "noise": 0.2,
                "digest": None,
                "permute_pixels": False,
                "spectrum": "[100,30,10,3,1]",
            }
            | changes
        )

    return make


@pytest.fixture(scope="session")
def toy() -> Callable[..., Dataset]:
    """A small random dataset: images by default, floats or a regression on request."""

    def make(
        examples: int = 60,
        features: int = 5,
        classes: int = 4,
        test_size: int | None = None,
        dtype: Any = np.uint8,
        content: int = 0,
    ) -> Dataset:
        generator = np.random.default_rng(content)
        inputs = generator.integers(0, 256, (examples, features)).astype(dtype)
        if dtype != np.uint8:
            inputs = (inputs / 7 - 11).astype(dtype)
        labels = generator.integers(0, classes, examples) if classes else generator.normal(3, 9, (examples, 2))
        return Dataset("toy", inputs, labels, classes, test_size, 255.0, "0" * 16)

    return make


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder of the real MNIST files; the test is skipped where there is none."""
    given = os.environ.get(FOLDER_VARIABLE)
    if not given:
        pytest.skip(f"{FOLDER_VARIABLE} is not set: this runs where it names a folder with the MNIST files")
    for folder in (Path(given) / "mnist", Path(given)):
        if (folder / f"{TRAIN_IMAGES}.gz").is_file() or (folder / TRAIN_IMAGES).is_file():
            return folder
    pytest.skip(f"{FOLDER_VARIABLE} holds no MNIST files: this runs where it does")
