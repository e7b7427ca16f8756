"""The order in which a run goes through its training examples: a fresh permutation for every seed and epoch."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from workbench.engine.backend import Array
from workbench.engine.training.randomness import Purpose, keys, permutations


def epoch_order(seeds: ArrayLike, epoch: int, count: int, xp: ModuleType = np) -> Array:
    """Permutations of range(count): (runs,) seeds -> (runs, count) int64, on the host or, with xp=cupy, on the device.

    The caller may count epochs from 0 or from 1; every number has its own permutation.
    """
    return permutations(xp.asarray(keys(seeds, Purpose.ORDER, step=epoch)), count, xp)
