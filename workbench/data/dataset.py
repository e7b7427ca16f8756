"""A dataset, its facts before loading, and the digest that pins its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from workbench.data.columns import Columns, columns
from workbench.engine.errors import BadInput


class Settings(Protocol):
    """The settings a dataset is chosen by; `workbench.config.DataConfig` has them."""

    @property
    def name(self) -> str: ...
    @property
    def dir(self) -> str | None: ...
    @property
    def path(self) -> str | None: ...
    @property
    def examples(self) -> int: ...
    @property
    def noise(self) -> float: ...
    @property
    def spectrum(self) -> str: ...
    @property
    def digest(self) -> str | None: ...
    @property
    def permute_pixels(self) -> bool: ...


@dataclass(frozen=True)
class Facts:
    """The facts about a dataset that planning needs: numbers of examples, features, classes and outputs.

    `examples` counts the fixed test set too. `classes` is 0 for regression. `outputs` is the width of a network's last
    layer: the classes, or the numbers to be predicted. `test_size` is None if test examples are drawn by seed. `image`
    is the shape of an example that is an image, (height, width, channels), whose pixels are the features; else ().
    """

    examples: int
    features: int
    classes: int
    outputs: int
    test_size: int | None = None
    image: tuple[int, ...] = ()

    @property
    def pool(self) -> int:
        """Examples that a run's own split is drawn from: all but a fixed test set."""
        return self.examples - (self.test_size or 0)


@dataclass(frozen=True)
class Dataset:
    """The decoded arrays of a dataset, shared by all runs.

    inputs: (examples, features), uint8 if the source is images, else float32, or float64 if that is needed to
    hold them exactly.
    targets: (examples,) int64 labels from 0 to classes - 1, or (examples, outputs) float64 for regression.
    classes: 0 for regression.
    test_size: None if test examples are drawn from the pool by seed; n if the last n examples are the test set.
    largest: the value that scaling "unit" maps to 1.
    digest: the first 16 hexadecimal characters of a SHA-256 of what was loaded; the same as `digest(settings)` gives
    without loading; not of the shape of images.
    image: (height, width, channels) if an example is an image, whose pixels lie row by row with the channels of each
    together; else ().
    """

    name: str
    inputs: np.ndarray
    targets: np.ndarray
    classes: int
    test_size: int | None
    largest: float
    digest: str
    image: tuple[int, ...] = ()

    @property
    def facts(self) -> Facts:
        """The facts, derived from the arrays."""
        examples, features = self.inputs.shape
        outputs = self.classes or self.targets.shape[1]
        return Facts(examples, features, self.classes, outputs, self.test_size, self.image)

    @cached_property
    def columns(self) -> Columns:
        """The inputs in the form used for computation."""
        return columns(self.inputs)


@dataclass(frozen=True)
class Known:
    """What is known of a dataset before it is loaded: the digest of its content, and its facts.

    `remark` says in one line how a person's own file was interpreted; "" for other datasets.
    """

    digest: str
    facts: Facts
    remark: str = ""


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from: one row of the table `DATASETS`.

    `known` neither loads nor downloads (`npz` looks into the file). Both raise BadInput. `reads` names the settings
    that choose its content.
    """

    summary: str
    load: Callable[[Settings], Dataset]
    known: Callable[[Settings], Known]
    reads: tuple[str, ...] = ()


def content_digest(*arrays: np.ndarray) -> str:
    """The digest of decoded arrays: their types, shapes and values. 16 hexadecimal characters."""
    content = hashlib.sha256()
    for array in arrays:
        little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        content.update(f"{little_endian.dtype.str}{little_endian.shape}".encode())
        content.update(little_endian.data)
    return content.hexdigest()[:16]


def text_digest(text: str) -> str:
    """The digest of a description that decides the arrays. 16 hexadecimal characters."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def largest_magnitude(inputs: np.ndarray) -> float:
    """The largest |x| of the inputs, or 1 if all of them are zero (it is divided by)."""
    return float(np.abs(inputs.astype(np.float64)).max()) or 1.0


def require(condition: bool, message: str) -> None:
    """Raise BadInput(message) unless the condition holds."""
    if not condition:
        raise BadInput(message)


def require_finite(path: Path, key: str, array: np.ndarray) -> None:
    """Raise BadInput unless every number of the array is finite; it says how many are not, and where the first is."""
    strange = ~np.isfinite(array)
    if count := int(strange.sum()):
        place = np.unravel_index(int(np.argmax(strange)), array.shape)
        where = ", ".join(str(int(index)) for index in place)
        raise BadInput(
            f"{path}: {key} holds numbers that are not finite: {count:,} of {array.size:,}, "
            f"the first at {key}[{where}], {array[place]}"
        )


def expanded(key: str, text: str) -> Path:
    """The path that a person gave as `key`, with "~" replaced by the home folder."""
    require("\0" not in text, f"{key}: found {text!r}; allowed is a path, which holds no NUL")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BadInput(f"{key}: found {text!r}; allowed is a path, and there is no such home") from None
