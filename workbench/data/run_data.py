"""The data of a pack: shared inputs, and for each run its own split, label noise, scaling and order of minibatches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.data.columns import columns
from workbench.data.dataset import Dataset, require
from workbench.data.label_noise import OF_TEST, noisy_labels
from workbench.data.order import epoch_order
from workbench.data.scaling import SCALINGS, moments
from workbench.data.splits import blocks, draw_splits, split_sizes


@dataclass(frozen=True)
class Split:
    """One part of the data of every run.

    index: (runs, n) int64, rows of the shared inputs.
    targets: (runs, n) int64 labels, with the run's label noise, in the test split with its test noise; for regression
    (runs, n, outputs) float64, standardised by the mean and deviation of the run's training targets.
    """

    index: np.ndarray
    targets: np.ndarray

    def take(self, runs: np.ndarray | slice) -> Split:
        """The same for some of the runs: their positions as an integer or boolean array, or a slice."""
        return Split(self.index[runs], self.targets[runs])


@dataclass(frozen=True)
class RunData:
    """The data for `train`: plain arrays, picklable.

    inputs: (examples, features) as used for computation, shared by all runs; a number of the dataset is input *
    unit + origin, (features,) float64 each (`data.columns`). train, validation, test: see `Split`.
    scale, shift: (runs, 1, features) float64; a scaled input is input * scale + shift.
    seeds: (runs,) int64. classes: 0 for regression. outputs: classes, or the numbers to be predicted.
    target_scale, target_shift: (runs, outputs) float64; what was to be predicted is target * scale + shift. Without
    columns, (runs, 0), if targets are labels.
    image: (height, width, channels) if the features are the pixels of an image; else ().
    """

    inputs: np.ndarray
    train: Split
    validation: Split
    test: Split
    scale: np.ndarray
    shift: np.ndarray
    seeds: np.ndarray
    classes: int
    outputs: int
    origin: np.ndarray
    unit: np.ndarray
    target_scale: np.ndarray
    target_shift: np.ndarray
    image: tuple[int, ...] = ()

    def take(self, runs: np.ndarray) -> RunData:
        """The same for some of the runs: their positions as an integer or boolean array. Inputs stay shared, and so
        does everything of runs that follow one another."""
        rows = _as_slice(runs)
        return replace(
            self, train=self.train.take(rows), validation=self.validation.take(rows), test=self.test.take(rows),
            scale=self.scale[rows], shift=self.shift[rows], seeds=self.seeds[rows],
            target_scale=self.target_scale[rows], target_shift=self.target_shift[rows],
        )  # fmt: skip

    def order(self, epoch: int) -> np.ndarray:
        """The order of an epoch: (runs, n) int64 positions in `train.index`, a fresh permutation per seed and epoch."""
        return epoch_order(self.seeds, epoch, self.train.index.shape[1])


def _as_slice(runs: np.ndarray) -> np.ndarray | slice:
    """Consecutive positions as a slice, which makes views; other positions unchanged."""
    in_a_row = len(runs) > 0 and runs.dtype != bool and bool((np.diff(runs) == 1).all()) and runs[0] >= 0
    return slice(int(runs[0]), int(runs[-1]) + 1) if in_a_row else runs


def prepare(
    dataset: Dataset,
    seeds: Sequence[int] | np.ndarray,
    label_noise: Sequence[float] | np.ndarray,
    scaling: Sequence[str],
    train_size: int | None,
    validation: float,
    test: float,
    test_noise: Sequence[float] | np.ndarray | None = None,
) -> RunData:
    """The data of the runs of a pack.

    `seeds`, `label_noise`, `test_noise` (shares from 0 to below 1; default: no test noise) and `scaling` (names of
    `SCALINGS`) have one entry a run. For the shared numbers see `splits.split_sizes`. Everything of a run depends on
    its own entries and the shared numbers alone. Regression targets are always standardised by the run's training
    split. Raises BadInput.
    """
    seeds, rates = np.asarray(seeds, np.int64), np.asarray(label_noise, np.float64)
    of_test = np.zeros(rates.shape) if test_noise is None else np.asarray(test_noise, np.float64)
    for key, shares in (("data.label_noise", rates), ("data.test_noise", of_test)):
        _check(dataset, seeds, key, shares, scaling)
    facts = dataset.facts
    # Runs of one seed share a split, so what depends on the split alone is computed once for each distinct seed.
    distinct, which = np.unique(seeds, return_inverse=True)
    drawn = draw_splits(distinct, facts, split_sizes(facts, train_size, validation, test))
    scale, shift = _scaling(dataset, scaling, drawn[0], which)
    indices = [index[which] for index in drawn]
    if dataset.classes:
        splits, back = _labels(dataset, indices, seeds, rates, of_test), np.empty((2, len(seeds), 0))
    else:
        splits, back = _outputs(dataset, indices)
    inputs, (train, validated, tested) = dataset.columns, splits
    return RunData(
        inputs.values, train, validated, tested, scale, shift, seeds, dataset.classes, facts.outputs, inputs.origin,
        inputs.unit, back[0], back[1], dataset.image,
    )  # fmt: skip


def _check(dataset: Dataset, seeds: np.ndarray, key: str, rates: np.ndarray, scaling: Sequence[str]) -> None:
    require(
        seeds.ndim == 1 and seeds.shape == rates.shape == (len(scaling),) and len(seeds) > 0,
        f"seeds, {key.removeprefix('data.')}, scaling: found {seeds.shape}, {rates.shape} and {len(scaling)} entries; "
        f"allowed is one entry a run in each",
    )
    require(bool((seeds >= 0).all()), f"seed: found {seeds.min()}; allowed are integers of at least 0")
    wrong = rates[~((rates >= 0) & (rates < 1))]
    require(len(wrong) == 0, f"{key}: found {wrong[:1]}; allowed is a share from 0 to below 1")
    require(
        dataset.classes > 0 or not rates.any(),
        f"{key}: found {rates.max()} with data.name={dataset.name}, a regression, which has no labels; allowed is 0",
    )
    unknown = sorted(set(scaling) - set(SCALINGS))
    require(not unknown, f"data.scaling: found {', '.join(unknown)}; allowed are {', '.join(SCALINGS)}")


def _scaling(
    dataset: Dataset, scaling: Sequence[str], train: np.ndarray, which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift, (runs, 1, features) each; `which` is each run's row in the splits `train`."""
    names = np.array(scaling)
    scale = np.empty((len(names), 1, dataset.inputs.shape[1]))
    shift = np.empty_like(scale)
    for name in sorted(set(scaling)):
        runs = np.flatnonzero(names == name)
        splits, place = np.unique(which[runs], return_inverse=True)
        fitted = SCALINGS[name].fit(dataset.columns, dataset.largest, train[splits])
        scale[runs, 0], shift[runs, 0] = (values[place] for values in fitted)
    return scale, shift


def _labels(
    dataset: Dataset, indices: list[np.ndarray], seeds: np.ndarray, rates: np.ndarray, of_test: np.ndarray
) -> list[Split]:
    """Training and validation labels with noise (who has noisy labels has them in both), test labels with their own."""
    splits = [Split(index, dataset.targets[index]) for index in indices]
    pool = dataset.targets[: dataset.facts.pool]
    for labels, shares, struck_splits, stream in ((pool, rates, splits[:2], 0),
                                                  (dataset.targets, of_test, splits[2:], OF_TEST)):  # fmt: skip
        struck = np.flatnonzero(shares > 0)
        for block in blocks(len(struck), len(labels)):
            runs = struck[block]
            noisy = noisy_labels(labels, seeds[runs], shares[runs], dataset.classes, stream)
            for split in struck_splits:
                split.targets[runs] = np.take_along_axis(noisy, split.index[runs], axis=1)
    return splits


def _outputs(dataset: Dataset, indices: list[np.ndarray]) -> tuple[list[Split], np.ndarray]:
    """Regression targets, standardised by each run's training split; and scale and shift of the way back, (2, runs,
    outputs).
    """
    targets = columns(dataset.targets)
    mean, deviation = moments(targets.values, indices[0])
    splits = [Split(index, (targets.values[index] - mean[:, None]) / deviation[:, None]) for index in indices]
    return splits, np.stack([deviation * targets.unit, mean * targets.unit + targets.origin])
