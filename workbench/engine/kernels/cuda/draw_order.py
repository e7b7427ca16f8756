"""The order of an epoch, drawn on the device, because sorting on the host would take longer than the epoch."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.training.randomness import Purpose, keys, permutations
from workbench.engine.training.reader import Data

# Positions drawn at a time. Each takes about 40 bytes while it is sorted.
AT_A_TIME = 2**24
CHECKED = 2  # epochs


def is_drawn_by_seed(data: Data, seeds: np.ndarray) -> bool:
    """Whether these data take their examples in the order that the engine's generator draws for the seeds."""
    one, count = data.take(np.array([0])), data.train.index.shape[1]
    return all(
        np.array_equal(one.order(epoch), permutations(keys(seeds[:1], Purpose.ORDER, step=epoch), count))
        for epoch in range(1, CHECKED + 1)
    )


def draw(order: Array, seeds: np.ndarray, epoch: int, xp: ModuleType) -> None:
    """Write the order of an epoch, (runs, examples) int32: the same as `data.order(epoch)`."""
    runs, count = order.shape
    each = max(1, AT_A_TIME // count)
    streams = keys(seeds, Purpose.ORDER, step=epoch)
    for first in range(0, runs, each):
        part = slice(first, min(first + each, runs))
        order[part] = permutations(xp.asarray(streams[part]), count, xp).astype(np.int32)
