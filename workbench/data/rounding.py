"""Values that rounding merges: numbers of a dataset that differ and become equal in the network's inputs."""

from __future__ import annotations

import numpy as np

from workbench.data.columns import Columns, columns
from workbench.data.dataset import Dataset, require
from workbench.data.scaling import SCALINGS

CHECKED_EXAMPLES = 4096  # examined, evenly spread over the dataset
NATURAL = 0.1  # share of a column's distinct numbers that may coincide by chance


def hidden_by_rounding(dataset: Dataset, scaling: str, dtype: str) -> list[str]:
    """A line each for inputs and targets of a regression in whose columns rounding merges values.

    Raises BadInput if scaled inputs are beyond the dtype. Images, uint8, lose nothing.
    """
    lines = []
    if dataset.inputs.dtype != np.uint8:
        sample, read = _sample(dataset.columns, dataset.largest, scaling, dtype)
        beyond = np.flatnonzero(~np.isfinite(read).all(axis=0))
        require(
            not len(beyond),
            f"data.scaling: found {scaling}, which leaves column {', '.join(map(str, beyond[:1]))} of the inputs "
            f"beyond {dtype}; allowed with data.name={dataset.name}: standard",
        )
        lines += _lost(
            sample, read, f"the inputs, scaled ({scaling}) and rounded to {dtype}", _remedies(scaling, dtype)
        )
    if not dataset.classes:
        sample, read = _sample(columns(dataset.targets), 1.0, "standard", dtype)
        lines += [
            f"column {column} of the targets holds one number throughout: there is nothing to learn in it"
            for column in np.flatnonzero(_different(sample) == 1)
        ]
        lines += _lost(sample, read, f"the targets, scaled and rounded to {dtype}", _remedies("standard", dtype))
    return [f"data.name={dataset.name}: {line}" for line in lines]


def _sample(held: Columns, largest: float, scaling: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The sorted numbers of each column, with its smallest and largest; and as a network of that dtype reads them."""
    chosen = np.linspace(0, len(held.values) - 1, min(CHECKED_EXAMPLES, len(held.values))).astype(int)
    ends = [held.values.min(axis=0, keepdims=True), held.values.max(axis=0, keepdims=True)]
    sample = np.sort(np.concatenate([held.values[chosen], *ends]), axis=0)
    fitted = SCALINGS[scaling].fit(held, largest, np.arange(len(held.values))[None])
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scale, shift = (numbers[0].astype(dtype) for numbers in fitted)
        return sample, sample.astype(dtype) * scale + shift


def _lost(sample: np.ndarray, read: np.ndarray, what: str, remedies: str) -> list[str]:
    """The line about the column that loses most."""
    apart, left = _different(sample), _different(read)
    lost = np.flatnonzero(apart - left > NATURAL * apart)
    if not len(lost):
        return []
    worst = lost[np.argmax((apart - left)[lost])]
    others = f" (likewise in {len(lost) - 1} more)" if len(lost) > 1 else ""
    return [
        f"of {apart[worst]:,} different numbers in column {worst} of {what}, {left[worst]:,} "
        f"{'is' if left[worst] == 1 else 'are'} left{others}: the network cannot tell the others apart; {remedies}"
    ]


def _different(rows: np.ndarray) -> np.ndarray:
    """The number of distinct values in each column of sorted rows; scaling and rounding keep the order."""
    return 1 + (np.diff(rows, axis=0) != 0).sum(axis=0)


def _remedies(scaling: str, dtype: str) -> str:
    remedies = ["take outliers or an offset out of the column"]
    remedies += ["data.scaling=standard"] if scaling != "standard" else []
    remedies += ["dtype=float64"] if dtype == "float32" else []
    return f"try {', or '.join(reversed(remedies))}"
