"""The task of the user's data, classification or regression: dtype and shape of the targets decide, and a remark says
so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from workbench.data.dataset import require, require_finite

ALLOWED_TARGETS = (
    "allowed are integers of shape (examples,) or one-hot rows of shape (examples, classes) as labels, "
    "or floats of shape (examples,) or (examples, outputs) for regression"
)


def understood(path: Path, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, str]:
    """The targets of all examples, and one line that says how they were interpreted and how to change that.

    `arrays` are the targets by key, to be interpreted together. Integers are labels, and so are one-hot rows of any
    type; other floats make it a regression. Returns (examples,) int64 labels, or (examples, outputs) float64.
    Raises BadInput for anything else.
    """
    for key, array in arrays.items():
        fits = array.dtype.kind in "buif" and array.ndim in (1, 2) and array.size > 0
        require(fits, f"{path}: {key} is {array.dtype} of shape {array.shape}; {ALLOWED_TARGETS}")
    given = np.concatenate([array.reshape(len(array), -1) for array in arrays.values()])
    if _is_one_hot(given):
        labels = given.argmax(axis=1)
        _require_learnable(path, labels, len(arrays["targets"]))
        return labels, (
            f"{path}: understood as {given.shape[1]} classes, as every row of targets holds one 1 and else 0 (one-hot)"
        )
    if given.dtype.kind in "bui":
        kind, shape = arrays["targets"].dtype, arrays["targets"].shape
        require(given.shape[1] == 1, f"{path}: targets is {kind} of shape {shape}, and not one-hot; {ALLOWED_TARGETS}")
        labels = _classes(path, given[:, 0])
        _require_learnable(path, labels, len(arrays["targets"]))
        return labels, f"{path}: understood as {labels.max() + 1} classes, as targets are integers"
    with np.errstate(over="ignore"):
        outputs = given.astype(np.float64)
    for key, array in arrays.items():
        with np.errstate(over="ignore"):
            require_finite(path, key, array.astype(np.float64))
    return outputs, f"{path}: understood as a regression, as targets are {given.dtype}; {_otherwise(outputs)}"


def _is_one_hot(rows: np.ndarray) -> bool:
    """Whether each of the rows (examples, columns) holds one 1 and is 0 elsewhere, with two columns or more."""
    return rows.shape[1] > 1 and bool(((rows == 1).sum(axis=1) == 1).all() and ((rows == 0) | (rows == 1)).all())


def _classes(path: Path, labels: np.ndarray) -> np.ndarray:
    """The labels as int64. Each class must occur: otherwise a stray label would widen the network unnoticed."""
    present = np.unique(labels)
    several = f"{len(present)} different integers from {present[0]} to {present[-1]}"
    require(
        len(present) >= 2 and present[0] == 0 and present[-1] == len(present) - 1,
        f"{path}: the labels are {several if len(present) > 1 else f'all {present[0]}'}; "
        f"allowed are 0, 1, ..., classes - 1, each of them present, and at least two",
    )
    return labels.astype(np.int64)


def _require_learnable(path: Path, labels: np.ndarray, pool: int) -> None:
    """Raise BadInput for a label that only test examples have, those after the first `pool`: nobody can learn it."""
    strangers = np.setdiff1d(labels[pool:], labels[:pool])
    require(
        len(strangers) == 0,
        f"{path}: test_targets holds the label {', '.join(map(str, strangers[:3]))}{', ...' * (len(strangers) > 3)}, "
        f"which no example of targets has; allowed are labels that can be learned",
    )


def _otherwise(outputs: np.ndarray) -> str:
    """How to have targets read as labels; a clearer message if they look like labels."""
    if outputs.shape[1] == 1 and bool((outputs == np.round(outputs)).all()):
        return "all are whole numbers: if they name classes, save them as integers (targets.astype(int))"
    return "integers would name classes"
