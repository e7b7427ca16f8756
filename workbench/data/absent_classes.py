"""Classes that the splits of some seeds lack: what is tested was never learned, or what was learned is never tested."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.data.dataset import Dataset
from workbench.data.splits import Sizes, draw_splits
from workbench.quantities import counted

NO_CHANCE = 1e-9  # a chance this small that a split lacks a class is taken for none, and nothing is drawn
LABELS_NAMED = 3  # labels in a line


def absent_classes(dataset: Dataset, seeds: Sequence[int], sizes: Sizes) -> list[str]:
    """A line if the training examples of some of these seeds lack a class that their other examples hold, and one if
    the test examples lack a class that the training examples hold.
    """
    if not dataset.classes or not _may_be_absent(dataset, sizes):
        return []
    drawn = draw_splits(np.unique(seeds), dataset.facts, sizes)
    train, validation, test = (_held(dataset.targets[index], dataset.classes) for index in drawn)
    where = f"data.name={dataset.name}: the {{}} examples hold no "
    lines = []
    if (unlearned := (validation | test) & ~train).any():
        lines.append(f"{where.format('training')}{_labels(unlearned)}: no run there can learn what it is judged by; "
                     "take more examples for training, or leave such a class out")  # fmt: skip
    if (untested := train & ~test).any():
        lines.append(f"{where.format('test')}{_labels(untested)}: test metrics there say nothing of it")
    return lines


def _may_be_absent(dataset: Dataset, sizes: Sizes) -> bool:
    """Whether some class is rare enough for a split to lack it. A fixed test set is counted, not drawn."""
    facts = dataset.facts
    counts = np.bincount(dataset.targets[: facts.pool], minlength=dataset.classes)
    rarest = counts[counts > 0].min()
    drawn = [sizes.train] if facts.test_size else [sizes.train, sizes.test]
    if facts.test_size and not _held(dataset.targets[None, facts.pool :], dataset.classes)[0, counts > 0].all():
        return True
    return any((1 - size / facts.pool) ** rarest * dataset.classes > NO_CHANCE for size in drawn)


def _held(labels: np.ndarray, classes: int) -> np.ndarray:
    """Which classes occur in each row of labels (rows, n): (rows, classes) bool."""
    held = np.zeros((len(labels), classes), bool)
    np.put_along_axis(held, labels, True, axis=1)
    return held


def _labels(absent: np.ndarray) -> str:
    """The labels absent somewhere, (seeds, classes) bool, those of most seeds first: "label 2 (at 3 of 20 seeds)"."""
    counts = absent.sum(axis=0)
    labels = sorted(np.flatnonzero(counts), key=lambda label: (-counts[label], label))
    seeds = counted(len(absent), "seed")
    named = ", ".join(f"{label} (at {counts[label]} of {seeds})" for label in labels[:LABELS_NAMED])
    more = f" and {counted(len(labels) - LABELS_NAMED, 'more label')}" if len(labels) > LABELS_NAMED else ""
    return f"label {named}{more}"
