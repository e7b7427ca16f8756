"""How runs end: after their number of epochs, out of patience, or diverged; and the report of each end."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from workbench.engine.backend import to_host
from workbench.engine.training.early_stopping import out_of_patience
from workbench.engine.training.epoch import RunEnd

if TYPE_CHECKING:
    from workbench.engine.training.group import Group

SPLITS = ("train", "validation", "test")


def end_runs(group: Group, metrics: dict[str, np.ndarray]) -> list[RunEnd]:
    """The runs of the group that end with this epoch, with their last and best metrics on every split."""
    epoch, n, columns = group.epoch_number, group.active, group.active_pack.columns
    diverged = ~np.isfinite(metrics["validation_loss"])
    if epoch > 0:
        diverged |= ~np.isfinite(metrics["train_loss"])
    impatient = out_of_patience(epoch, group.best_epoch[:n], columns["patience"])
    places = np.flatnonzero(diverged | impatient | (epoch >= columns["epochs"]))
    if not len(places):
        return []
    last = _judge(group, "weights", places)
    best = _judge(group, "best_weights", places)
    return [
        RunEnd(
            run=int(group.rows[place]),
            outcome="diverged" if diverged[place] else "finished",
            reason=_reason(epoch, bool(diverged[place]), bool(epoch < columns["epochs"][place])),
            epochs=epoch,
            best_epoch=int(group.best_epoch[place]),
            summary={f"last_{name}": float(values[i]) for name, values in last.items()}
            | {f"best_{name}": float(values[i]) for name, values in best.items()},
            weights_digest=_digest(group, int(place), restored=bool(columns["patience"][place] > 0)),
        )
        for i, place in enumerate(places)
    ]


def digest(parameters: np.ndarray) -> str:
    """A digest of one run's parameters. Zeros of either sign count as equal, and so do all NaN."""
    # The bit pattern of a NaN depends on how the rows of a pack are assigned to SIMD lanes.
    plain = np.where(np.isnan(parameters), parameters.dtype.type(np.nan), parameters + 0.0)
    return sha256(plain.tobytes()).hexdigest()[:16]


def _judge(group: Group, buffer: str, places: np.ndarray) -> dict[str, np.ndarray]:
    """Loss and accuracy of some rows of a buffer on all three splits."""
    result: dict[str, np.ndarray] = {}
    for split in SPLITS:
        loss, accuracy = group.evaluate(buffer, places, split)
        result |= {f"{split}_loss": loss, f"{split}_accuracy": accuracy}
    return result


def _digest(group: Group, place: int, restored: bool) -> str:
    return digest(to_host(group.buffers["best_weights" if restored else "weights"][place]))


def _reason(epoch: int, diverged: bool, early: bool) -> str:
    if diverged:
        return f"the loss was not finite at epoch {epoch}"
    return f"no better validation loss within its patience, stopped at epoch {epoch}" if early else ""
