"""Loss and accuracy of a group's networks on a whole split, without dropout."""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, module_of, to_host
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data, Reader, Split

FIRST_EPOCHS = 5  # after which the test data are evaluated in any case: in them curves move most
EVALUATED_AT_ONCE = 256  # examples evaluated at a time, at most


def chunk_of(examples: int) -> int:
    """The size of a chunk, equal for all chunks. The last one is not shorter: it overlaps with examples already
    counted.
    """
    return -(-examples // -(-examples // EVALUATED_AT_ONCE))


def is_tested(epoch: int, every: int) -> bool:
    """Whether the test data are evaluated after this epoch: one of the first, or one that `every` divides. 0 is the
    untrained network. A run that ends is evaluated in any case.
    """
    return epoch <= FIRST_EPOCHS or epoch % every == 0


class Evaluator:
    """Evaluates the networks of a pack's runs, standing in `weights` (runs, size), on one split of their data."""

    def __init__(self, pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> None:
        xp = module_of(weights)
        slope = xp.asarray(pack.columns["slope"].astype(weights.dtype))
        self._examples = split.index.shape[1]
        self._chunk = chunk_of(self._examples)
        self._network = Network(layout, weights, None, slope, self._chunk)
        self._reader = Reader(stored, data, self._chunk, weights.dtype, xp)
        self._judge = LOSSES[pack.loss].judge
        self._rows = xp.asarray(split.index)
        self._targets = xp.asarray(split.targets)

    def evaluate(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy of each run, two (runs,) float64 arrays on the host.

        The accuracy of a regression is NaN.
        """
        loss, correct = 0.0, 0.0
        for first in range(0, self._examples, self._chunk):
            start = min(first, self._examples - self._chunk)
            part = slice(start, start + self._chunk)
            self._reader.read(self._rows[:, part], self._network.inputs)
            judged = self._judge(self._network.forward(), self._targets[:, part])
            new = slice(first - start, None)
            loss = loss + judged.losses[:, new].astype(np.float64).sum(axis=1)
            correct = correct + (np.nan if judged.correct is None else judged.correct[:, new].sum(axis=1))
        runs = len(self._rows)
        return to_host(loss / self._examples), np.broadcast_to(to_host(_array(correct)) / self._examples, (runs,))


def _array(value: Array | float) -> Array:
    return np.asarray(value) if isinstance(value, float) else value
