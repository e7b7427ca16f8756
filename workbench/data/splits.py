"""The examples for training, validation and test of a run: a function of its seed only.

A seed shuffles the pool of examples once. Test examples are taken from the front, validation examples from the back,
and training examples follow the test examples. So the test examples depend neither on the validation share nor on
the training size, and a smaller training set is the beginning of every larger one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.data.dataset import Facts, require
from workbench.engine.training.randomness import Purpose, keys, permutations

ELEMENTS_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Sizes:
    """Numbers of training, validation and test examples of every run. `test` counts a fixed test set too."""

    train: int
    validation: int
    test: int


def split_sizes(facts: Facts, train_size: int | None, validation: float, test: float) -> Sizes:
    """The sizes of a split of a dataset with these facts; raises BadInput if they do not fit the pool.

    `validation` and `test` are shares of the pool between 0 and 1, rounded to whole examples but never to none; `test`
    is ignored if the test set is fixed. `train_size` None takes all that is left.
    """
    shares = {"data.validation": validation} | ({} if facts.test_size else {"data.test": test})
    for key, share in shares.items():
        require(0 < share < 1, f"{key}: found {share}; allowed is a share between 0 and 1")
    validation_size, drawn = (max(1, round(share * facts.pool)) for share in (validation, test))
    if facts.test_size:
        drawn = 0
    left = facts.pool - validation_size - drawn
    require(
        left >= 1,
        f"{' + '.join(shares)}: found {' + '.join(map(str, shares.values()))}, which leaves none of "
        f"{facts.pool} examples to train on; allowed is a sum below 1",
    )
    require(
        train_size is None or 1 <= train_size <= left,
        f"data.train_size: found {train_size}; allowed is 1 to {left} "
        f"({facts.pool} examples less {validation_size} for validation and {drawn} for testing)",
    )
    return Sizes(train_size or left, validation_size, facts.test_size or drawn)


def draw_splits(seeds: np.ndarray, facts: Facts, sizes: Sizes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows for training, validation and testing of each seed: (seeds, size) int64 each.

    A fixed test set is the same for every seed, in its own order.
    """
    order = np.empty((len(seeds), facts.pool), np.int64)
    for block in blocks(len(seeds), facts.pool):
        order[block] = permutations(keys(seeds[block], Purpose.SPLIT), facts.pool)
    drawn = 0 if facts.test_size else sizes.test
    train = order[:, drawn : drawn + sizes.train].copy()
    validation = order[:, facts.pool - sizes.validation :].copy()
    if facts.test_size:
        return train, validation, np.tile(np.arange(facts.pool, facts.examples), (len(seeds), 1))
    return train, validation, order[:, :drawn].copy()


def blocks(runs: int, width: int) -> Iterator[slice]:
    """Slices of the runs such that (runs, width) arrays stay small: temporaries do not grow with the pack."""
    step = max(1, ELEMENTS_AT_ONCE // width)
    return (slice(start, start + step) for start in range(0, runs, step))
