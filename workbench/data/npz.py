"""A person's own data: an .npz file with `inputs` and `targets`, and perhaps `test_inputs` and `test_targets`."""

from __future__ import annotations

import zipfile
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from workbench.data.dataset import Dataset, Facts, Settings, Source, content_digest, largest_magnitude, require
from workbench.engine.errors import BadInput

NEEDED = ("inputs", "targets")
TEST = ("test_inputs", "test_targets")


def load(settings: Settings) -> Dataset:
    """The dataset in the file data.path.

    inputs: (examples, ...) numbers, flattened to (examples, features); uint8 stays uint8, all else becomes float32.
    targets: (examples,) integers from 0 to classes - 1, each of them present, are labels; floats (examples,) or
    (examples, outputs) make it a regression. test_inputs and test_targets, both or neither, are the fixed test set.
    Every other content raises BadInput. Nothing is unpickled.
    """
    path = _path(settings)
    arrays = _read(path)
    _check_counts(path, arrays)
    inputs = np.concatenate([_inputs(path, arrays, key) for key in ("inputs", "test_inputs") if key in arrays])
    targets = np.concatenate([_targets(path, arrays, key) for key in ("targets", "test_targets") if key in arrays])
    classes = _classes(path, targets) if targets.ndim == 1 else 0
    test_size = len(arrays["test_inputs"]) if "test_inputs" in arrays else None
    digest = content_digest(inputs, targets, np.array([test_size or 0]))
    return Dataset("npz", inputs, targets, classes, test_size, largest_magnitude(inputs), digest)


def digest(settings: Settings) -> str:
    """The digest of the arrays in the file: packing the same arrays anew does not change it."""
    return _known(*_state(_path(settings)))[0]


def describe(settings: Settings) -> Facts:
    """The facts of the file, which has been checked in whole then: misuse shows while planning."""
    return _known(*_state(_path(settings)))[1]


def _path(settings: Settings) -> Path:
    require(bool(settings.path), "data.path: found none; data=npz needs the path of an .npz file")
    path = Path(str(settings.path)).expanduser()
    require(path.is_file(), f"data.path: {path} is not there, or not a file; data=npz needs an .npz file")
    return path


def _state(path: Path) -> tuple[Path, int, int]:
    status = path.stat()
    return path.resolve(), status.st_mtime_ns, status.st_size


# A sweep asks for the digest of every cell; the file is read again only when it has changed.
@lru_cache(maxsize=8)
def _known(path: Path, _changed: int, _size: int) -> tuple[str, Facts]:
    dataset = load(_OnlyPath(str(path)))
    return dataset.digest, dataset.facts


class _OnlyPath:
    """Settings of which only the path counts."""

    name, dir, examples, noise = "npz", None, 0, 0.0

    def __init__(self, path: str) -> None:
        self.path = path


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays by key; only known keys, and all that are needed."""
    allowed = ", ".join(NEEDED) + ", and together " + ", ".join(TEST)
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            require(
                isinstance(file, np.lib.npyio.NpzFile), f"{path}: is a single array; allowed is an .npz of {allowed}"
            )
            unknown = sorted(set(file.files) - {*NEEDED, *TEST})
            require(not unknown, f"{path}: found the unknown key {', '.join(unknown)}; allowed are {allowed}")
            missing = [key for key in _due(file.files) if key not in file.files]
            require(not missing, f"{path}: {', '.join(missing)} is missing; needed are {allowed}")
            return {key: np.asarray(file[key]) for key in file.files}
    except BadInput:
        raise
    except (
        ValueError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        RuntimeError,
        MemoryError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if "pickle" in reason:
            reason = "it holds Python objects, which are not read"
        raise BadInput(f"{path}: is no readable .npz file of {allowed} ({reason})") from None


def _due(found: list[str]) -> tuple[str, ...]:
    return NEEDED + TEST if set(found) & set(TEST) else NEEDED


def _check_counts(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Every input has a target, and the test set looks like the rest."""
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
    """(examples, features) uint8 or float32."""
    array = arrays[key]
    require(array.dtype.kind in "buif", f"{path}: {key} is of type {array.dtype}; allowed are real numbers")
    rows = array.reshape(len(array), -1)
    require(rows.shape[1] > 0, f"{path}: {key} has no features (its shape is {array.shape})")
    if rows.dtype == np.uint8:
        return rows
    with np.errstate(over="ignore"):
        rows = rows.astype(np.float32)
    require(bool(np.isfinite(rows).all()), f"{path}: {key} holds numbers that are not finite in float32")
    return rows


def _targets(path: Path, arrays: dict[str, np.ndarray], key: str) -> np.ndarray:
    """(examples,) int64 labels, or (examples, outputs) float64."""
    array = arrays[key]
    if array.dtype.kind in "bui" and array.ndim == 1:
        return array.astype(np.int64)
    require(
        array.dtype.kind == "f" and array.ndim in (1, 2) and array.size > 0,
        f"{path}: {key} is {array.dtype} of shape {array.shape}; allowed are integers of shape (examples,) as labels, "
        f"or floats of shape (examples,) or (examples, outputs) for regression",
    )
    require(bool(np.isfinite(array).all()), f"{path}: {key} holds numbers that are not finite")
    return array.astype(np.float64).reshape(len(array), -1)


def _classes(path: Path, labels: np.ndarray) -> int:
    """The number of classes; each of them must occur, or a stray label would widen the network unseen."""
    present = np.unique(labels)
    require(
        len(present) >= 2 and present[0] == 0 and present[-1] == len(present) - 1,
        f"{path}: the labels are {len(present)} different integers from {present[0]} to {present[-1]}; "
        f"allowed are 0, 1, ..., classes - 1, each of them present, and at least two",
    )
    return len(present)


NPZ = {
    "npz": Source(
        "your own arrays: data.path=FILE.npz with inputs, targets[, test_inputs, test_targets]",
        load,
        digest,
        describe,
        reads=("path",),
    )
}
