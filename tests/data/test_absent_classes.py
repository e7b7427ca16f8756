"""A class that a split lacks is counted by seed and said; a dataset that has plenty of every class costs nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data import Dataset, Sizes, absent_classes, splits


def dataset_of(labels: list[int], test_size: int | None = None) -> Dataset:
    targets = np.array(labels)
    return Dataset("own", np.zeros((len(labels), 1)), targets, int(targets.max()) + 1, test_size, 1.0, "digest")


def said(dataset: Dataset, seeds: list[int], sizes: Sizes) -> dict[str, dict[int, int]]:
    """Which examples lack something -> label -> the number of seeds."""
    lines = absent_classes.absent_classes(dataset, seeds, sizes)
    return {
        re.search(r"the (training|test) examples", line)[1]: {  # type: ignore[index]
            int(label): int(count) for label, count in re.findall(r"(\d+) \(at (\d+) of", line)
        }
        for line in lines
    }


@given(st.lists(st.integers(0, 2), min_size=12, max_size=60), st.lists(st.integers(0, 99), min_size=1, max_size=9))
def test_each_label_is_said_with_the_seeds_at_which_it_is_absent(labels: list[int], seeds: list[int]) -> None:
    dataset, sizes = dataset_of([0, 1, *labels]), Sizes(5, 3, 4)
    expected: dict[str, dict[int, int]] = {}
    for seed in set(seeds):
        train, validation, test = (
            set(dataset.targets[rows[0]]) for rows in splits.draw_splits(np.array([seed]), dataset.facts, sizes)
        )
        for what, absent in (("training", (validation | test) - train), ("test", train - test)):
            for label in absent:
                counts = expected.setdefault(what, {})
                counts[int(label)] = counts.get(int(label), 0) + 1
    assert said(dataset, seeds, sizes) == expected


def test_a_fixed_test_set_without_a_class_is_said() -> None:
    dataset = dataset_of([0, 1] * 500 + [0] * 10, test_size=10)
    assert said(dataset, [0, 1, 2], Sizes(800, 200, 10)) == {"test": {1: 3}}


def test_nothing_is_drawn_where_every_class_has_plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(absent_classes, "draw_splits")
    assert said(dataset_of([0, 1] * 500), [0], Sizes(600, 200, 200)) == {}
    assert said(dataset_of([0, 1] * 505, test_size=10), [0], Sizes(800, 200, 10)) == {}


def test_of_many_labels_those_absent_most_often_are_named() -> None:
    (line, _) = absent_classes.absent_classes(dataset_of([*range(40)]), [0, 1], Sizes(10, 10, 20))
    assert re.search(
        r"label \d+ \(at 2 of 2 seeds\), \d+ \(at 2 of 2 seeds\), \d+ \(at 2 of 2 seeds\) and \d+ more labels:", line
    )


def test_a_regression_has_no_classes() -> None:
    dataset = Dataset("own", np.zeros((9, 1)), np.zeros((9, 1)), 0, None, 1.0, "digest")
    assert absent_classes.absent_classes(dataset, [0], Sizes(3, 3, 3)) == []
