"""From stored examples to a network's inputs: rows are gathered by index, then scaled and shifted for each run."""

from __future__ import annotations

from types import ModuleType
from typing import Protocol

import numpy as np

from workbench.engine.backend import Array, gather, zeros
from workbench.engine.training.shifts import moved


class Split(Protocol):
    """A run's share of the examples, for training, validation or testing."""

    @property
    def index(self) -> np.ndarray:
        """Rows of the inputs, (runs, n)."""
        ...

    @property
    def targets(self) -> np.ndarray:
        """Labels (runs, n), integers from 0; of a regression the standardised values, (runs, n, outputs)."""
        ...


class FirstExamples:
    """The first `count` examples of every run's split, as a split."""

    def __init__(self, split: Split, count: int) -> None:
        self.index, self.targets = split.index[:, :count], split.targets[:, :count]


class Data(Protocol):
    """The data that `train` needs: arrays shared by the runs, and each run's own view of them (`data.RunData`)."""

    @property
    def inputs(self) -> np.ndarray:
        """Every example as it is stored, shared by all runs: (examples, features), uint8 or floats."""
        ...

    @property
    def image(self) -> tuple[int, ...]:
        """(height, width, channels) if the features are the pixels of an image, else ()."""
        ...

    @property
    def scale(self) -> np.ndarray:
        """What a stored number is multiplied by before a network reads it, (runs, 1, features)."""
        ...

    @property
    def shift(self) -> np.ndarray:
        """What is then added to it, (runs, 1, features)."""
        ...

    @property
    def origin(self) -> np.ndarray:
        """(features,); a number of the dataset is input * unit + origin."""
        ...

    @property
    def unit(self) -> np.ndarray:
        """(features,); see `origin`."""
        ...

    @property
    def classes(self) -> int:
        """How many classes there are; 0 for a regression."""
        ...

    @property
    def outputs(self) -> int:
        """How many numbers a network's answer has: the classes, or the values to be predicted."""
        ...

    @property
    def train(self) -> Split:
        """The examples that the weights are fitted to."""
        ...

    @property
    def validation(self) -> Split:
        """The examples that choose the best epoch."""
        ...

    @property
    def test(self) -> Split:
        """The examples that nothing is chosen by."""
        ...

    def take(self, runs: np.ndarray) -> Data:
        """The data of the runs at these places (n,)."""
        ...

    def order(self, epoch: int) -> np.ndarray:
        """The order of an epoch: (runs, n_train) positions in `train`, a function of each run's seed and the epoch."""
        ...


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
