"""From stored examples to a network's inputs: rows are gathered by index, then scaled and shifted for each run."""

from __future__ import annotations

from types import ModuleType
from typing import Protocol

import numpy as np

from workbench.engine.backend import Array, gather, zeros
from workbench.engine.training.shifts import moved


class Split(Protocol):
    """A run's share of the examples: index (runs, n) rows of the inputs; targets (runs, n) or (runs, n, outputs)."""

    @property
    def index(self) -> np.ndarray: ...
    @property
    def targets(self) -> np.ndarray: ...


class FirstExamples:
    """The first `count` examples of every run's split, as a split."""

    def __init__(self, split: Split, count: int) -> None:
        self.index, self.targets = split.index[:, :count], split.targets[:, :count]


class Data(Protocol):
    """The data that `train` needs: arrays shared by the runs, and each run's own view of them (`data.RunData`).

    inputs (examples, features), as stored; image, (height, width, channels) if the features are the pixels of an
    image, else (); scale and shift (runs, 1, features); origin and unit (features,), as a number of the dataset is
    input * unit + origin; classes 0 for a regression;
    order(epoch) is (runs, n_train) positions in `train`, a function of each run's seed and the epoch; take(runs) the
    data of some runs.
    """

    @property
    def inputs(self) -> np.ndarray: ...
    @property
    def image(self) -> tuple[int, ...]: ...
    @property
    def scale(self) -> np.ndarray: ...
    @property
    def shift(self) -> np.ndarray: ...
    @property
    def origin(self) -> np.ndarray: ...
    @property
    def unit(self) -> np.ndarray: ...
    @property
    def classes(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def train(self) -> Split: ...
    @property
    def validation(self) -> Split: ...
    @property
    def test(self) -> Split: ...
    def take(self, runs: np.ndarray) -> Data: ...
    def order(self, epoch: int) -> np.ndarray: ...


class Reader:
    """Writes standardised minibatches of one size. `stored` is `data.inputs` on the device, shared by every reader."""

    def __init__(self, stored: Array, data: Data, batch: int, dtype: np.dtype, xp: ModuleType) -> None:
        self._stored, self._image, self._xp = stored, data.image, xp
        self._raw = zeros((len(data.scale), batch, stored.shape[1]), stored.dtype, xp)
        self._scale = xp.asarray(data.scale.astype(dtype))
        self._shift = xp.asarray(data.shift.astype(dtype))

    def read(self, rows: Array, out: Array, moves: Array | None = None) -> None:
        """Rows of the stored inputs (runs, batch) -> standardised inputs (runs, batch, features).

        Images are moved by `moves` (runs, batch, 2), if any are given, before they are standardised.
        """
        gather(self._stored, rows, self._raw)
        raw = self._raw if moves is None else moved(self._raw, moves, self._image, self._xp)
        np.multiply(raw, self._scale, out=out)
        np.add(out, self._shift, out=out)
