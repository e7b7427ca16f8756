"""The minibatches of an epoch, as rows of the stored inputs."""

from __future__ import annotations

import numpy as np

from workbench.engine.training.reader import Data


def minibatches(data: Data, epoch: int, updates: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the stored inputs, (updates, runs, batch), in the epoch's order, and their targets.

    Examples that do not fill a minibatch are left out: other ones in each epoch, as every epoch has its own order.
    """
    order = data.order(epoch)[:, : updates * batch]
    run = np.arange(len(order))[:, None]

    def stepwise(part: np.ndarray) -> np.ndarray:
        """(runs, examples, ...) -> (updates, runs, batch, ...), in the epoch's order."""
        chosen = part[run, order]
        return chosen.reshape(len(chosen), updates, batch, *chosen.shape[2:]).swapaxes(0, 1)

    return stepwise(data.train.index), stepwise(data.train.targets)
