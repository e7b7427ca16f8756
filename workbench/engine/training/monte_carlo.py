"""Monte-Carlo evaluation: the output of a network trained with dropout, averaged over many random masks.

The notes' rule, weights times (1 - rate), is a cheap approximation of this average (Srivastava et al. 2014, section
7.5).
"""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, module_of, to_host
from workbench.engine.classes import named_class
from workbench.engine.layers.dropout import Masks, mask_keys
from workbench.engine.rules.losses import LOSSES
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.layout import Layout
from workbench.engine.training.network import Network
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose
from workbench.engine.training.reader import Data, Reader, Split

SMALLEST_PROBABILITY = 1e-12  # keeps the logarithm finite if the average probability of the true class is 0


class MonteCarlo:
    """Averages the outputs of the networks in `weights` (runs, size) over masks drawn with each run's own dropout
    rates.

    Mask number k of a chunk of examples is a function of the run's seed, of k and of the chunk: an average over more
    masks contains the one over fewer.
    """

    def __init__(self, pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> None:
        self._xp = xp = module_of(weights)
        columns, self._loss, self._split = pack.columns, LOSSES[pack.loss], split
        self._chunk = min(EVALUATED_AT_ONCE, split.index.shape[1])
        slope = xp.asarray(columns["slope"].astype(weights.dtype))
        self._network = Network(layout, weights, None, slope, self._chunk, dropout=True)
        self._masks = Masks(layout.dropout, columns, self._chunk, weights.dtype, xp)
        self._reader = Reader(stored, data, self._chunk, weights.dtype, xp)
        self._seeds, self._layers = columns["seed"], len(layout.dropout)

    def outputs(self, samples: int, geometric: bool = False) -> np.ndarray:
        """The average output over `samples` masks: (runs, examples, outputs) float64, probabilities or values.

        With `geometric` the geometric mean of the probabilities, made to sum to 1: it is the output at the mean logits.
        """
        examples = self._split.index.shape[1]
        starts = [min(first, examples - self._chunk) for first in range(0, examples, self._chunk)]
        found: np.ndarray | None = None
        for number, start in enumerate(starts):
            part = self._average(start, number, samples, geometric)
            if found is None:
                found = np.empty((part.shape[0], examples, part.shape[2]))
            found[:, start : start + self._chunk] = part
        assert found is not None
        return found

    def evaluate(self, samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Loss and accuracy of the averaged outputs, (runs,) each: mean -ln p of the true class, or mean squared error
        / 2.

        The accuracy of a regression is NaN.
        """
        outputs, targets = self.outputs(samples), self._split.targets
        if self._loss.task == "regression":
            return ((outputs - targets) ** 2).sum(axis=-1).mean(axis=1) / 2, np.full(len(outputs), np.nan)
        if outputs.shape[-1] == 1:  # the probability of class 1
            outputs = np.concatenate([1 - outputs, outputs], axis=-1)
        own = np.take_along_axis(outputs, targets[..., None], axis=-1)[..., 0]
        return -np.log(np.maximum(own, SMALLEST_PROBABILITY)).mean(axis=1), (named_class(outputs) == targets).mean(
            axis=1
        )

    def _average(self, start: int, number: int, samples: int, geometric: bool) -> np.ndarray:
        """The average output for one chunk of examples: (runs, chunk, outputs) float64."""
        rows = self._xp.asarray(self._split.index[:, start : start + self._chunk])
        steps = number * 2**32 + np.arange(samples)
        streams = self._xp.asarray(mask_keys(self._seeds, self._layers, steps, Purpose.MONTE_CARLO))
        total: Array | float = 0.0
        for sample in range(samples):
            self._reader.read(rows, self._network.inputs)  # the mask of the inputs is applied in place
            z = self._network.forward(self._masks.draw(streams[sample]))
            total = total + (z if geometric else self._loss.predict(z)).astype(np.float64)
        mean: np.ndarray = to_host(total) / samples  # type: ignore[arg-type]
        return self._loss.predict(mean) if geometric else mean
