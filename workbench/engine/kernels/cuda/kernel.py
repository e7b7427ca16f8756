"""What the kernel for NVIDIA devices offers the training loop: an epoch of updates for all rows, and evaluation.

Within an epoch nothing is copied to the host: the order is drawn on the device, tables of numbers are sent before the
first step, and losses and hits are fetched after the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import numpy as np

from workbench.engine.backend import Array, module_of, to_host, zeros
from workbench.engine.kernels.cuda import draw_order, source
from workbench.engine.kernels.cuda.buffers import Room, allocated, evaluation_rooms, fill, training_rooms
from workbench.engine.kernels.cuda.launches import Machine
from workbench.engine.kernels.cuda.modules import ask
from workbench.engine.kernels.cuda.passes import Passes
from workbench.engine.kernels.cuda.update import constant_numbers, varying_numbers, with_updates
from workbench.engine.kernels.rows import Rows
from workbench.engine.layers.dropout import LEVELS, levels_by_run
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data, Split
from workbench.engine.training.shifts import moving


class GraphTrainer:
    """Trains the rows of a group side by side. See `plain.PlainTrainer` for the same in array functions.

    `machine` runs the launches; the device by default, with products of the pack's precision.
    """

    def __init__(self, rows: Rows, machine: Machine | None = None) -> None:
        self._rows, pack, layout, data = rows, rows.pack, rows.layout, rows.data
        batch, examples = pack.batch_size, data.train.index.shape[1]
        rooms = training_rooms(layout, batch, examples, rows.updates, data.classes, data.outputs)
        self._arrays = _arrays(rooms, pack.runs, rows.xp)
        fill(self._arrays, rows.xp, constant=constant_numbers(pack.columns), **of_split(data, data.train))
        fill(self._arrays, rows.xp, **of_runs(pack), **masks(pack, layout))
        stored = flat(rows.stored)
        image = moving(pack.columns, data.image)
        passes = Passes(pack, layout, rows.weights, rows.gradients, stored, self._arrays, batch, examples, True, image)
        plan = [*with_updates([*passes.forward(), passes.judge(), *passes.backward()], rows, self._arrays)]
        self._program = (machine or _device(pack.precision)).program(plan)
        self._seeded = draw_order.is_drawn_by_seed(data, pack.columns["seed"])

    def train(self, epoch: int) -> dict[str, np.ndarray]:
        """All updates of an epoch, with dropout: the running loss and accuracy, (runs,) each, and the last learning
        rate.
        """
        rows, arrays, columns = self._rows, self._arrays, self._rows.pack.columns
        first = (epoch - 1) * rows.updates
        varying = varying_numbers(columns, first, rows.updates)
        fill(arrays, rows.xp, counters=np.array([-1, first - 1]), varying=varying)
        arrays["losses"][...], arrays["hits"][...] = 0, 0
        if self._seeded:
            draw_order.draw(arrays["order"], columns["seed"], epoch, rows.xp)
        else:
            fill(arrays, rows.xp, order=rows.data.order(epoch))
        self._program.run(rows.updates)
        return of_epoch(rows, arrays, varying[:, -1, 0])


class GraphEvaluator:
    """Evaluates the networks in `weights` (runs, size) on one split of their data, without dropout."""

    def __init__(
        self,
        pack: Pack,
        layout: Layout,
        weights: Array,
        stored: Array,
        data: Data,
        split: Split,
        machine: Machine | None = None,
    ) -> None:
        self._xp, self._data, self._examples = module_of(weights), data, split.index.shape[1]
        batch = min(EVALUATED_AT_ONCE, self._examples)
        rooms = evaluation_rooms(layout, self._examples, data.classes, data.outputs)
        self._arrays = _arrays(rooms, pack.runs, self._xp)
        fill(self._arrays, self._xp, **of_split(data, split), **of_runs(pack))
        passes = Passes(pack, layout, weights, None, flat(stored), self._arrays, batch, self._examples, False)
        self._program = (machine or _device(pack.precision)).program([*passes.forward(), passes.judge()])
        self._chunks = -(-self._examples // batch)

    def evaluate(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy of each run, two (runs,) float64 arrays; the accuracy of a regression is NaN."""
        arrays = self._arrays
        fill(arrays, self._xp, counters=np.array([-1, -1]))
        arrays["losses"][...], arrays["hits"][...] = 0, 0
        self._program.run(self._chunks)
        return to_host(arrays["losses"]) / self._examples, accuracy(arrays["hits"], self._examples, self._data)


def _arrays(rooms: dict[str, Room], runs: int, xp: ModuleType) -> dict[str, Array]:
    return allocated(rooms, runs, xp) | {"counters": zeros((2,), np.int64, xp)}


def of_epoch(rows: Rows, arrays: Mapping[str, Array], learning_rate: np.ndarray) -> dict[str, np.ndarray]:
    """A trainer's results of an epoch, from the sums of losses and hits over its updates: (runs,) each."""
    seen = rows.updates * rows.pack.batch_size
    return {
        "train_loss": to_host(arrays["losses"]) / seen,
        "train_accuracy": accuracy(arrays["hits"], seen, rows.data),
        "learning_rate": learning_rate,
    }


def of_split(data: Data, split: Split) -> dict[str, np.ndarray]:
    """The arrays that `rooms_for_data` lists, for one split."""
    targets = {"labels": split.targets} if data.classes else {"values": split.targets}
    return {"index": split.index, "scale": data.scale, "shift": data.shift} | targets


def of_runs(pack: Pack) -> dict[str, np.ndarray]:
    """The arrays of a run that do not depend on the split."""
    names = {"seeds": "seed", "slope": "slope", "shift_pixels": "shift_pixels"}
    return {name: pack.columns[column] for name, column in names.items()}


def masks(pack: Pack, layout: Layout) -> dict[str, np.ndarray]:
    """For each layer of each run, the inputs first: the threshold of 16 random bits below which a unit is dropped, and
    the scale of the others.
    """
    levels = levels_by_run(layout.dropout, pack.columns)
    return {"thresholds": levels, "scales": LEVELS / (LEVELS - levels)}


def flat(stored: Array) -> Array:
    """The stored inputs, example after example, as bytes or as float32."""
    return stored.reshape(-1).astype(kept_as(stored.dtype), copy=False)


def kept_as(stored: np.dtype) -> np.dtype:
    """How inputs lie on the device: bytes as they are, other numbers as float32."""
    return np.dtype(stored if stored == np.uint8 else np.float32)


def accuracy(hits: Array, seen: int, data: Data) -> np.ndarray:
    """The share of hits among the examples seen, (runs,) float64; NaN for a regression."""
    counted = to_host(hits)
    return counted / seen if data.classes else np.full(len(counted), np.nan)


def ask_ahead(_pack: Pack, _data: Data) -> None:
    """Have the compiler work on the kernels of a step, which are the same for every pack."""
    ask(source.text())


def _device(precision: str) -> Machine:
    from workbench.engine.kernels.cuda.device import device_machine

    return device_machine(precision)
