"""The plain kernel: an epoch of updates for all runs of a group at once, written with functions of NumPy or CuPy."""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, to_host
from workbench.engine.kernels.rows import Rows
from workbench.engine.kernels.update import Update
from workbench.engine.layers.dropout import Masks, mask_keys
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.schedules import timetable
from workbench.engine.training.minibatches import minibatches
from workbench.engine.training.network import Network
from workbench.engine.training.reader import Reader
from workbench.engine.training.shifts import moves


class PlainTrainer:
    """Trains the rows of a group side by side. Buffers are allocated once."""

    def __init__(self, rows: Rows) -> None:
        pack, layout, xp = rows.pack, rows.layout, rows.xp
        self._rows, self._dtype = rows, np.dtype(pack.dtype)
        slope = xp.asarray(pack.columns["slope"].astype(self._dtype))
        self._masks = Masks(layout.dropout, pack.columns, pack.batch_size, self._dtype, xp)
        self._network = Network(layout, rows.weights, rows.gradients, slope, pack.batch_size, self._masks.any)
        self._reader = Reader(rows.stored, rows.data, pack.batch_size, self._dtype, xp)
        self._update = Update(pack.optimizer, layout, rows.weights, rows.gradients, rows.slots, pack.columns, xp)

    def train(self, epoch: int) -> dict[str, np.ndarray]:
        """All updates of an epoch, with dropout: the running loss and accuracy, (runs,) each, and the last learning
        rate.
        """
        rows, pack, first = self._rows, self._rows.pack, (epoch - 1) * self._rows.updates
        index, targets = (
            self._on_device(part) for part in minibatches(rows.data, epoch, rows.updates, pack.batch_size)
        )
        table = timetable(pack.columns, first, rows.updates, rows.updates)
        varying = {name: self._on_device(values.astype(self._dtype)[..., None]) for name, values in table.items()}
        steps = np.arange(first, first + rows.updates)
        streams = self._on_device(mask_keys(pack.columns["seed"], len(rows.layout.dropout), steps))
        moving = bool(pack.columns["shift_pixels"].any())
        moved = self._on_device(moves(pack.columns, steps, pack.batch_size)) if moving else [None] * rows.updates
        losses: Array | float = 0.0
        hits: Array | float = 0.0
        for step in range(rows.updates):
            if step == rows.updates - 1:
                rows.previous[...] = rows.weights
            at = {name: values[step] for name, values in varying.items()}
            loss, hit = self._step(index[step], targets[step], streams[step], moved[step], at)
            losses, hits = losses + loss, hits + hit
        return {
            "train_loss": _mean(losses, rows.updates, pack.runs),
            "train_accuracy": _mean(hits, rows.updates, pack.runs),
            "learning_rate": table["learning_rate"][-1],
        }

    def _step(
        self, index: Array, targets: Array, streams: Array, moved: Array | None, at: dict[str, Array]
    ) -> tuple[Array, Array | float]:
        """One update of all runs. Returns the mean loss and accuracy of each run's minibatch, measured before the
        update.
        """
        self._reader.read(index, self._network.inputs, moved)
        masks = self._masks.draw(streams) if self._masks.any else ()
        judged = LOSSES[self._rows.pack.loss].judge(self._network.forward(masks), targets)
        self._network.backward(np.multiply(judged.delta, 1 / self._rows.pack.batch_size, out=judged.delta))
        self._update.step(at)
        hits = np.nan if judged.correct is None else judged.correct.mean(axis=1)
        return judged.losses.mean(axis=1).astype(np.float64), hits

    def _on_device(self, array: np.ndarray) -> Array:
        return self._rows.xp.asarray(np.ascontiguousarray(array))


def _mean(total: Array | float, count: int, runs: int) -> np.ndarray:
    on_host = np.asarray(total) if isinstance(total, float) else to_host(total)
    return np.broadcast_to(on_host / count, (runs,))
