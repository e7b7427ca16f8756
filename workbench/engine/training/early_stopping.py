"""Early stopping: keep the weights with the lowest loss on held-out validation data.

Patience is how many epochs training continues without a lower one. Bounds are the losses that a run must have reached
by certain epochs; a search sets them to stop bad trials.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

_BOUND = re.compile(r"(\d{1,9}):(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")


def improves(validation_loss: np.ndarray, best_loss: np.ndarray) -> np.ndarray:
    """Whether this epoch is each run's best so far: (runs,) bool. NaN never is."""
    return validation_loss < best_loss


def out_of_patience(epoch: int, best_epoch: np.ndarray, patience: np.ndarray) -> np.ndarray:
    """Whether a run has seen `patience` epochs without a new best; patience 0 never runs out. (runs,) bool."""
    return (patience > 0) & (epoch - best_epoch >= patience)


@lru_cache(maxsize=4096)
def bounds_of(text: str) -> dict[int, float]:
    """Epoch -> bound, of a text such as "5:0.83+10:0.71"; none of "". Raises ValueError for any other text."""
    found = [_BOUND.fullmatch(part) for part in text.split("+")] if text else []
    bounds = {int(one[1]): float(one[2]) for one in found if one}
    if len(bounds) < len(found) or not all(np.isfinite(list(bounds.values()))):
        raise ValueError(text)
    return bounds


def text_of_bounds(bounds: dict[int, float]) -> str:
    """The text that `bounds_of` reads."""
    return "+".join(f"{epoch}:{bound!r}" for epoch, bound in sorted(bounds.items()))


def above_bound(epoch: int, best_loss: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Whether each run's best loss so far is above its bound for this epoch. (runs,) bool; `bounds` are texts."""
    if not (bounds != "").any():  # most packs have no bounds, and need no walk over their runs
        return np.zeros(len(bounds), bool)
    limits = np.array([bounds_of(str(text)).get(epoch, np.inf) for text in bounds])
    return best_loss > limits
