"""What training yields: one epoch of all active runs, and the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

State = dict[str, np.ndarray]

# For every run and epoch. Training metrics are running means with dropout on; epoch 0, the untrained network, has none.
# In an epoch that does not evaluate the test data (`Pack.test_every`), only runs that end have test metrics.
EPOCH_METRICS = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
    "learning_rate",
    "input_gradient",
)


@dataclass(frozen=True)
class RunEnd:
    """How a run ended. `run` is its place in the pack; `outcome` is "finished" or "diverged"; `reason` says why it
    stopped.

    `summary` holds {last, best}_{train, validation, test}_{loss, accuracy}, without dropout; best is by validation
    loss. `weights_digest` is the digest of the run's final weights: the best ones if it has patience, else the last
    ones.
    """

    run: int
    outcome: str
    reason: str
    epochs: int
    best_epoch: int
    summary: dict[str, float]
    weights_digest: str


@dataclass(frozen=True)
class Weights:
    """All parameters of some runs after an epoch, each (runs, size) on the host: rows of the engine's buffer.

    last: after the last update; best: at the best validation loss; final: the result of the run, the best ones if it
    has patience, else the last ones. `Layout.to_numpy(row)` gives the tensors of a row by name.
    """

    last: np.ndarray
    best: np.ndarray
    final: np.ndarray


@dataclass(frozen=True)
class Epoch:
    """One epoch. `runs` (n,) are the places in the pack of the runs that trained in it, ascending.

    metrics: each (n,) float64, by names of `EPOCH_METRICS`; probes: each (n, layers) float64, by names of `PROBES`, NaN
    if a layer has no such value; ended: the runs that ended with this epoch; seconds: wall time since the last epoch.
    """

    number: int
    runs: np.ndarray
    metrics: dict[str, np.ndarray]
    probes: dict[str, np.ndarray]
    ended: list[RunEnd]
    examples: int
    seconds: float = 0.0
    _state: Callable[[int], State] | None = field(default=None, repr=False, compare=False)
    _weights: Callable[[int, np.ndarray], Weights] | None = field(default=None, repr=False, compare=False)

    @property
    def stands(self) -> bool:
        """Whether training still was at this epoch when it was yielded, so that it has state and weights."""
        return self._state is not None

    def state(self) -> State:
        """All that training needs to continue after this epoch: arrays with a leading runs axis, except "epoch".

        Pass it to `train(pack, data, state=...)`. Call this before the next epoch is requested. Raises RuntimeError if
        training has gone on.
        """
        if self._state is None:
            raise RuntimeError(f"epoch {self.number} has no state: training had gone ahead")
        return self._state(self.number)

    def weights(self, runs: Sequence[int] | np.ndarray) -> Weights:
        """The parameters of some runs of the pack, (n,) places, in the order given.

        Call this before the next epoch is requested. Runs that ended in an earlier epoch keep their final parameters.
        Raises RuntimeError if training has gone on.
        """
        if self._weights is None:
            raise RuntimeError(f"epoch {self.number} has no weights: training had gone ahead")
        return self._weights(self.number, np.asarray(runs, np.int64))


def merged(parts: list[Epoch]) -> Epoch:
    """One epoch, merged from those of the groups of a pack, each of which has its runs in ascending order."""
    if len(parts) == 1:
        return _kept(parts[0])
    runs = np.concatenate([part.runs for part in parts])
    order = np.argsort(runs)
    return Epoch(
        number=parts[0].number,
        runs=runs[order],
        metrics={name: np.concatenate([part.metrics[name] for part in parts])[order] for name in parts[0].metrics},
        probes={name: np.concatenate([part.probes[name] for part in parts])[order] for name in parts[0].probes},
        ended=sorted((end for part in parts for end in part.ended), key=lambda end: end.run),
        examples=sum(part.examples for part in parts),
    )


def _kept(epoch: Epoch) -> Epoch:
    """The same epoch with arrays of its own: those of a group may be written again in the next epoch."""
    copied = ({name: values.copy() for name, values in arrays.items()} for arrays in (epoch.metrics, epoch.probes))
    metrics, probes = copied
    return replace(epoch, metrics=metrics, probes=probes)
