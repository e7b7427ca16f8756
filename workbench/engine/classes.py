"""Which class an output names: the one definition, for every kernel, analysis and served model.

An output names the class whose score (logit or probability) is larger than that of every other class. If no class has
such a score, because two share the largest or one is NaN, the output names no class and no label is a hit: an answer
that cannot tell classes apart is not counted as right. A single output is the logit of class 1, compared with 0 for
class 0: its sign decides, and 0 names no class. The compiled form and the device's form are in their `losses`; the
tests compare them with this one.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array

NO_CLASS = -1  # the result of `named_class` if no class is named: no label ever equals it


def exceeds_others(scores: Array, own: Array) -> Array:
    """Whether a class's score is larger than every other: (..., classes), its own (..., 1) -> (...) bool."""
    return (scores < own).sum(axis=-1) == scores.shape[-1] - 1


def sign_agrees(logit: Array, labels: Array) -> Array:
    """The same for single outputs: logits (...) of class 1, labels (...) 0 or 1 -> (...) bool."""
    return np.where(labels > 0, logit, -logit) > 0


def named_class(scores: np.ndarray) -> np.ndarray:
    """The class each output names, or `NO_CLASS`: scores (..., classes), or logits (..., 1) of class 1 -> (...) int."""
    if scores.shape[-1] == 1:
        logit = scores[..., 0]
        first, named = (logit > 0).astype(np.int64), np.abs(logit) > 0
    else:
        first = scores.argmax(axis=-1)
        named = exceeds_others(scores, np.take_along_axis(scores, first[..., None], axis=-1))
    return np.where(named, first, NO_CLASS)
