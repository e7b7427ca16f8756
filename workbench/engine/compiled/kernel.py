"""What the compiled kernel offers the training loop: an epoch of updates for every run of a group, and evaluation."""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, zeros
from workbench.engine.compiled import activations, losses, passes, update
from workbench.engine.dropout import LEVELS, dropped_levels, mask_keys
from workbench.engine.evaluation import CHUNK
from workbench.engine.minibatches import minibatches
from workbench.engine.pack import Pack
from workbench.engine.parameters import Layout
from workbench.engine.reader import Data, Split
from workbench.engine.rows import Rows
from workbench.engine.schedules import timetable


def supports(pack: Pack) -> bool:
    """Whether every piece of the pack has a compiled form; what has none is trained by the plain kernel."""
    return (
        pack.device == "cpu"
        and pack.dtype == "float32"
        and pack.activation in activations.CODES
        and pack.loss in losses.CODES
        and pack.optimizer in update.CODES
    )


class CompiledTrainer:
    """Trains the rows of a group run by run. See `plain.PlainTrainer` for the same in NumPy."""

    def __init__(self, rows: Rows) -> None:
        self._rows, pack, layout = rows, rows.pack, rows.layout
        self._codes = codes_of(pack)
        self._places = places_of(layout)
        self._scratch = scratch_for(layout, pack.batch_size)
        columns = pack.columns
        strengths = dict(columns) | {"decay": columns["decay"] + columns["weight_decay"]}
        self._constant = np.stack([strengths[name] for name in update.CONSTANT], axis=1).astype(np.float32)
        rates = [columns["input_dropout_rate"]] + [columns["dropout_rate"]] * pack.depth
        levels = np.stack([dropped_levels(rate) for rate in rates], axis=1)
        self._thresholds, self._scales = levels.astype(np.uint32), (LEVELS / (LEVELS - levels)).astype(np.float32)
        self._slope = columns["slope"].astype(np.float32)
        self._stored = images_and_floats(rows.stored)
        self._scaling = [part[:, 0].astype(np.float32) for part in (rows.data.scale, rows.data.shift)]

    def train(self, epoch: int) -> dict[str, np.ndarray]:
        """All updates of an epoch; running loss and accuracy (runs,), dropout on, and the last learning rate."""
        rows, pack = self._rows, self._rows.pack
        table = timetable(pack.columns, (epoch - 1) * rows.updates, rows.updates, rows.updates)
        varying = np.stack([table[name] for name in update.VARYING], axis=-1).astype(np.float32)
        index, targets = minibatches(rows.data, epoch, rows.updates, pack.batch_size)
        labels, values = labels_and_values(targets, rows.data)
        steps = np.arange((epoch - 1) * rows.updates, epoch * rows.updates)
        keys = mask_keys(pack.columns["seed"], len(rows.layout.layers), steps)
        of_runs = [np.ascontiguousarray(part.swapaxes(0, 1)) for part in (index, labels, values, varying)]
        of_runs.append(np.ascontiguousarray(keys.transpose(2, 0, 1)))
        means = np.array([self._train_run(run, *(part[run] for part in of_runs)) for run in range(pack.runs)])
        return {
            "train_loss": means[:, 0],
            "train_accuracy": means[:, 1] if rows.data.classes else np.full(pack.runs, np.nan),
            "learning_rate": table["learning_rate"][-1],
        }

    def _train_run(
        self, run: int, index: np.ndarray, labels: np.ndarray, values: np.ndarray, varying: np.ndarray, keys: np.ndarray
    ) -> tuple[float, float]:
        """One run's epoch. The gradient is written to one row for all runs, which so stays in cache."""
        rows = self._rows
        first, second = [*rows.slots, rows.gradients, rows.gradients][:2]  # an optimizer without slots reads none
        loss, accuracy = passes.train_epoch(
            self._codes, self._places, rows.layout.weights_end, rows.weights[run], rows.gradients[0],
            first[run], second[run], rows.previous[run], self._stored, index, labels, values,
            self._scaling[0][run], self._scaling[1][run], self._slope[run], varying, self._constant[run],
            bool(self._thresholds[run].any()), keys, self._thresholds[run], self._scales[run], self._scratch,
        )  # fmt: skip
        return loss, accuracy


class CompiledEvaluator:
    """Evaluates the networks in `weights` (runs, size) on one split of their data."""

    def __init__(self, pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> None:
        self._codes, self._places, self._layout = codes_of(pack), places_of(layout), layout
        self._weights, self._stored = weights, images_and_floats(stored)
        self._slope = pack.columns["slope"].astype(np.float32)
        self._index, self._classes = np.ascontiguousarray(split.index), data.classes
        self._labels, self._values = labels_and_values(split.targets, data)
        self._scale, self._shift = (part[:, 0].astype(np.float32) for part in (data.scale, data.shift))
        self._chunk = min(CHUNK, split.index.shape[1])
        self._scratch = scratch_for(layout, self._chunk)

    def evaluate(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy of each run, two (runs,) float64 arrays; the accuracy of a regression is NaN."""
        means = np.empty((len(self._weights), 2))
        for run in range(len(self._weights)):
            means[run] = passes.evaluate(
                self._codes, self._places, self._weights[run], self._stored, self._index[run], self._labels[run],
                self._values[run], self._scale[run], self._shift[run], self._slope[run], self._chunk, self._scratch,
            )  # fmt: skip
        return means[:, 0], means[:, 1] if self._classes else np.full(len(means), np.nan)


def codes_of(pack: Pack) -> tuple[int, int, int]:
    """The codes of activation, loss and optimizer."""
    return activations.CODES[pack.activation], losses.CODES[pack.loss], update.CODES[pack.optimizer]


def places_of(layout: Layout) -> np.ndarray:
    """Where each layer's tensors begin in a row of the buffer, and its shape: (layers, 6), see `passes`."""
    rows = zip(layout.starts(), layout.layers, strict=True)
    return np.array([[*starts, layer.rows, layer.fan_in, layer.units] for starts, layer in rows], np.int64)


def scratch_for(layout: Layout, batch: int) -> passes.Scratch:
    """Buffers for the activations of one batch of one run."""
    layers = len(layout.layers)
    rows = batch * max(layer.rows for layer in layout.layers)
    units = batch * max(max(layer.units, layer.fan_in) for layer in layout.layers)
    by_layer = {"z": (layers, rows), "a": (layers, units), "masked": (layers, units), "mask": (layers, units)}
    flat = {"x": (batch * layout.layers[0].fan_in,), "dl_da": (units,), "slope": (units,)}
    buffers = {name: zeros(shape, np.float32, np) for name, shape in (by_layer | flat).items()}
    return passes.Scratch(**buffers, bits=np.zeros(max(rows, units), np.int32))


def images_and_floats(stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stored inputs as the compiled passes read them:

    Images as bytes, anything else as float32, the other one empty.
    """
    width = stored.shape[1]
    if stored.dtype == np.uint8:
        return stored, np.zeros((0, width), np.float32)
    return np.zeros((0, width), np.uint8), np.ascontiguousarray(stored, np.float32)


def labels_and_values(targets: np.ndarray, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Targets as the compiled losses read them: integer labels and float32 values, the one not in use being zeros."""
    if data.classes:
        return targets, np.zeros((*targets.shape, 1), np.float32)
    return np.zeros(targets.shape[:-1], np.int64), targets.astype(np.float32)
