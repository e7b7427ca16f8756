"""The user's own data: an .npz file with `inputs` and `targets`, optionally `test_inputs` and `test_targets`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from workbench.data.archive import read_arrays
from workbench.data.columns import narrowest, rounded_together
from workbench.data.dataset import (
    Dataset,
    Known,
    Settings,
    Source,
    content_digest,
    expanded,
    largest_magnitude,
    require,
    require_finite,
)
from workbench.data.targets import understood
from workbench.engine.errors import BadInput
from workbench.filenames import beside

NEEDED = ("inputs", "targets")
TEST = ("test_inputs", "test_targets")
ALLOWED_ARRAYS = f"{', '.join(NEEDED)}, and together {', '.join(TEST)}"


def load(settings: Settings) -> Dataset:
    """The dataset in the file data.path.

    inputs: (examples, ...) numbers, flattened to (examples, features); uint8 stays uint8, all else becomes float32, or
    float64 if float32 would round them. (examples, height, width[, channels]) are images.
    targets: (examples,) integers from 0 to classes - 1, each of them present, are labels, and so are one-hot rows;
    other floats (examples,) or (examples, outputs) make it a regression. test_inputs and test_targets, both or
    neither, are the fixed test set. Every other content raises BadInput. Nothing is unpickled.
    """
    return _load(_path(settings))[0]


def known(settings: Settings) -> Known:
    """What is known of the file. The whole file is checked, so that errors show while planning.

    The digest is that of the arrays: writing the same arrays again does not change it.
    """
    path = _path(settings)
    return _known(path, *_state(path))


def _load(path: Path) -> tuple[Dataset, str]:
    """The dataset, and how its targets were interpreted."""
    arrays = read_arrays(path, ALLOWED_ARRAYS, lambda keys: _check_keys(path, keys))
    _check_counts(path, arrays)
    inputs = np.concatenate([_inputs(path, arrays, key) for key in ("inputs", "test_inputs") if key in arrays])
    targets, remark = understood(path, {key: arrays[key] for key in ("targets", "test_targets") if key in arrays})
    classes = int(targets.max()) + 1 if targets.ndim == 1 else 0
    test_size = len(arrays["test_inputs"]) if "test_inputs" in arrays else None
    digest = content_digest(inputs, targets, np.array([test_size or 0]))
    image = image_shape(arrays["inputs"].shape[1:])
    return Dataset("npz", inputs, targets, classes, test_size, largest_magnitude(inputs), digest, image), remark


def image_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(height, width, channels) of an example of two or three axes; () of any other, which is no image."""
    return {2: (*shape, 1), 3: shape}.get(len(shape), ())


def _path(settings: Settings) -> Path:
    require(bool(settings.path), "data.path: found none; data=npz needs the path of an .npz file")
    path = expanded("data.path", str(settings.path))
    try:
        there = path.is_file()
    except OSError as error:
        raise BadInput(f"data.path: {path} cannot be looked at ({error.strerror})") from None
    require(there, f"data.path: {path} is not there, or not a file; {beside(path)}data=npz needs an .npz file")
    return path


def _state(path: Path) -> tuple[int, int, int, int]:
    """The identity of a file, the time of its last change, and its size: they change with its content."""
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(f"data.path: {path} cannot be looked at ({error.strerror})") from None
    return status.st_ino, status.st_ctime_ns, status.st_mtime_ns, status.st_size


# A sweep needs the digest for every cell. The file is read again only if it has changed.
@lru_cache(maxsize=8)
def _known(path: Path, *_state: int) -> Known:
    dataset, remark = _load(path)
    return Known(dataset.digest, dataset.facts, remark)


def _check_keys(path: Path, keys: list[str]) -> None:
    """Raise BadInput for an unknown key or a missing one."""
    unknown = sorted(set(keys) - {*NEEDED, *TEST})
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    require(not unknown, f"{path}: found the unknown key {', '.join(unknown[:3])}{more}; allowed are {ALLOWED_ARRAYS}")
    missing = [key for key in _due(keys) if key not in keys]
    require(not missing, f"{path}: {', '.join(missing)} is missing; needed are {ALLOWED_ARRAYS}")


def _due(found: list[str]) -> tuple[str, ...]:
    return NEEDED + TEST if set(found) & set(TEST) else NEEDED


def _check_counts(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Raise BadInput unless every input has a target, and the test set has the shape of the rest."""
    for key, array in arrays.items():
        require(array.ndim >= 1 and len(array) > 0, f"{path}: {key} holds no examples (its shape is {array.shape})")
    for inputs, targets in (NEEDED, TEST):
        if inputs in arrays:
            counts = len(arrays[inputs]), len(arrays[targets])
            require(
                counts[0] == counts[1],
                f"{path}: {inputs} holds {counts[0]} examples, but {targets} holds {counts[1]}; they must agree",
            )
    for key, test_key in zip(NEEDED, TEST, strict=True):
        if test_key in arrays:
            own, test = arrays[key], arrays[test_key]
            require(
                own.shape[1:] == test.shape[1:] and own.dtype.kind == test.dtype.kind,
                f"{path}: {test_key} is {test.dtype} of {test.shape[1:]} an example, "
                f"but {key} is {own.dtype} of {own.shape[1:]}; they must agree",
            )


def _inputs(path: Path, arrays: dict[str, np.ndarray], key: str) -> np.ndarray:
    """The inputs, (examples, features): uint8, float32 or float64, the narrowest that holds them exactly."""
    array = arrays[key]
    require(array.dtype.kind in "buif", f"{path}: {key} is of type {array.dtype}; allowed are real numbers")
    rows = array.reshape(len(array), -1)
    require(rows.shape[1] > 0, f"{path}: {key} has no features (its shape is {array.shape})")
    held = narrowest(rows)
    require_finite(path, key, held.reshape(array.shape))
    merged = rounded_together(rows, held)
    require(
        merged is None,
        f"{path}: column {merged} of {key} holds different numbers that are one in float64, which keeps 53 bits; "
        f"subtract an offset from them",
    )
    return held


NPZ = {
    "npz": Source(
        "your own arrays: data.path=FILE.npz with inputs, targets[, test_inputs, test_targets]",
        load,
        known,
        reads=("path",),
    )
}
