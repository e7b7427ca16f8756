"""How runs end: after their number of epochs, out of patience, or diverged; and the report of each end."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

import numpy as np

from workbench.engine.backend import Array, to_host
from workbench.engine.training.early_stopping import above_bound, out_of_patience
from workbench.engine.training.epoch import RunEnd
from workbench.engine.training.pack import Pack

ABOVE_ITS_BOUND = "its validation loss was above its bound"  # why a search ended a run
SPLITS = ("train", "validation", "test")


class Ending(Protocol):
    """What this file needs of a group. `rows` is the run in each row; active runs come first."""

    epoch_number: int
    rows: np.ndarray
    best_epoch: np.ndarray
    best_loss: np.ndarray
    buffers: dict[str, Array]

    @property
    def active(self) -> int:
        """How many runs still train."""
        ...

    @property
    def active_pack(self) -> Pack:
        """The runs that still train, in the order of their rows."""
        ...

    def evaluate(self, buffer: str, places: np.ndarray, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy, two (places,) arrays, of some rows of a buffer on a split."""
        ...


def end_runs(group: Ending, metrics: dict[str, np.ndarray]) -> list[RunEnd]:
    """The runs of the group that end with this epoch, with their last and best metrics on every split.

    `metrics` are those of this epoch, (active runs,) each, by names of `EPOCH_METRICS`.
    """
    epoch, n, columns = group.epoch_number, group.active, group.active_pack.columns
    diverged = ~np.isfinite(metrics["validation_loss"])
    if epoch > 0:
        diverged |= ~np.isfinite(metrics["train_loss"])
    impatient = out_of_patience(epoch, group.best_epoch[:n], columns["patience"])
    bounded = above_bound(epoch, group.best_loss[:n], columns["bounds"])
    places = np.flatnonzero(diverged | impatient | bounded | (epoch >= columns["epochs"]))
    if not len(places):
        return []
    last = _judge(group, "weights", places)
    best = _judge(group, "best_weights", places)
    return [
        RunEnd(
            run=int(group.rows[place]),
            outcome="diverged" if diverged[place] else "finished",
            reason=_reason(
                epoch, bool(diverged[place]), bool(epoch < columns["epochs"][place]), bool(impatient[place])
            ),
            epochs=epoch,
            best_epoch=int(group.best_epoch[place]),
            summary={f"last_{name}": float(values[i]) for name, values in last.items()}
            | {f"best_{name}": float(values[i]) for name, values in best.items()},
            weights_digest=_digest(group, int(place), restored=bool(columns["patience"][place] > 0)),
        )
        for i, place in enumerate(places)
    ]


def digest(parameters: np.ndarray) -> str:
    """A digest of one run's parameters (size,): 16 hexadecimal digits. Zeros of either sign count as equal, and so do
    all NaN.
    """
    # The bit pattern of a NaN depends on how the rows of a pack are assigned to SIMD lanes.
    plain = np.where(np.isnan(parameters), parameters.dtype.type(np.nan), parameters + 0.0)
    return sha256(plain.tobytes()).hexdigest()[:16]


def _judge(group: Ending, buffer: str, places: np.ndarray) -> dict[str, np.ndarray]:
    """Loss and accuracy of some rows of a buffer on all three splits."""
    result: dict[str, np.ndarray] = {}
    for split in SPLITS:
        loss, accuracy = group.evaluate(buffer, places, split)
        result |= {f"{split}_loss": loss, f"{split}_accuracy": accuracy}
    return result


def _digest(group: Ending, place: int, restored: bool) -> str:
    return digest(to_host(group.buffers["best_weights" if restored else "weights"][place]))


def _reason(epoch: int, diverged: bool, early: bool, impatient: bool) -> str:
    if diverged:
        return f"the loss was not finite at epoch {epoch}"
    why = "no better validation loss within its patience" if impatient else ABOVE_ITS_BOUND
    return f"{why}, stopped at epoch {epoch}" if early else ""
