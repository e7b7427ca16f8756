"""What training yields: an epoch of all runs that trained in it, and the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

State = dict[str, np.ndarray]

# Of every run, every epoch. Training metrics are the running ones, dropout on; epoch 0, the untrained net, has none.
METRICS = (
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

    `summary` holds {last, best}_{train, validation, test}_{loss, accuracy}, every unit in use; best is by validation
    loss. `weights_digest` is of the weights the run ends with: the best ones where it has patience, else the last ones.
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

    last: after the last update; best: at the best validation loss; final: what a run is left with when it ends, the
    best ones where it has patience, else the last ones. `Layout.to_numpy(row)` names the tensors of a row.
    """

    last: np.ndarray
    best: np.ndarray
    final: np.ndarray


@dataclass(frozen=True)
class Epoch:
    """One epoch. `runs` (n,) are the places in the pack of the runs that trained in it, ascending.

    metrics: each (n,) float64, by names of `METRICS`; probes: each (n, layers) float64, by names of `PROBES`, NaN where
    a layer has no such value; ended: the runs that ended with this epoch; seconds: wall time since the epoch before.
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

    def state(self) -> State:
        """Everything needed to go on after this epoch, as plain arrays with a leading runs axis (but for "epoch").

        Checkpoint and hand-over in one: `train(pack, data, state=...)`. To be asked for before the next epoch is.
        """
        assert self._state is not None
        return self._state(self.number)

    def weights(self, runs: Sequence[int] | np.ndarray) -> Weights:
        """The parameters of some runs of the pack, in the order given: of the runs that `ended`, before they are gone.

        To be asked for before the next epoch is. Runs that ended in an earlier epoch keep what they ended with.
        """
        assert self._weights is not None
        return self._weights(self.number, np.asarray(runs, np.int64))


def merged(parts: list[Epoch]) -> Epoch:
    """One epoch out of the epochs of the groups of a pack."""
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
