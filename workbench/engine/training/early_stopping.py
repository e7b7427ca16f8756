"""Early stopping: keep the weights with the least loss on held-out validation data.

Patience says for how many epochs to look on for something better.
"""

from __future__ import annotations

import numpy as np


def improves(validation_loss: np.ndarray, best_loss: np.ndarray) -> np.ndarray:
    """Whether this epoch is each run's best so far: (runs,) bool. A loss that is not a number never is."""
    return validation_loss < best_loss


def out_of_patience(epoch: int, best_epoch: np.ndarray, patience: np.ndarray) -> np.ndarray:
    """Whether a run has seen `patience` epochs without a new best; patience 0 never runs out. (runs,) bool."""
    return (patience > 0) & (epoch - best_epoch >= patience)
