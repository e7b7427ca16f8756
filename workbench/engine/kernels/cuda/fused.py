"""One block trains one run: whole epochs in the shared memory of a multiprocessor, for networks that fit into it.

A graph of launches runs at every step; `walk_split` runs once an epoch, for all runs side by side. Between its first
and its last step, a run exchanges nothing with device memory but the data that it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from workbench.engine.backend import Array, module_of, to_host, zeros
from workbench.engine.kernels.cuda import draw_order
from workbench.engine.kernels.cuda.buffers import allocated, fill, rooms_for_data, rooms_for_runs, rooms_for_updates
from workbench.engine.kernels.cuda.codes import CUDA_FORMS, MOST_SLOTS
from workbench.engine.kernels.cuda.fused_places import places_of
from workbench.engine.kernels.cuda.fused_source import FusedSource, fused_source
from workbench.engine.kernels.cuda.kernel import accuracy, flat, kept_as, masks, of_epoch, of_runs, of_split
from workbench.engine.kernels.cuda.launches import Argument, Launch
from workbench.engine.kernels.cuda.modules import ask, module
from workbench.engine.kernels.cuda.update import constant_numbers, varying_numbers
from workbench.engine.kernels.forms import form_of
from workbench.engine.kernels.rows import Rows
from workbench.engine.layers import LAYERS
from workbench.engine.layers.base import Layer
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.schedules import RAMPS
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose
from workbench.engine.training.reader import Data, Split
from workbench.engine.training.shifts import moving

if TYPE_CHECKING:
    import cupy

COMPILER_OPTIONS = ("-std=c++17",)
SORTERS = 256  # threads that sort a run's examples
MOST_SORTED = 8192  # the most examples that a block sorts, in 64 KiB; CuPy sorts more
# The columns that decide what varies with the step. Runs that agree in them share a table.
MAKES_TABLES = (
    "learning_rate", "schedule", "schedule_factor", "schedule_time", "momentum", *RAMPS, "epochs", "beta1", "beta2",
)  # fmt: skip


class BlockMachine(Protocol):
    """Launches the kernels of a `FusedSource`."""

    def launch(self, source: FusedSource, launch: Launch) -> None:
        """Launch one kernel. It has finished when an array that it writes is fetched."""
        ...


def fits(pack: Pack, layout: Layout) -> bool:
    """Whether a run of the pack trains within the shared memory of a block of the current device."""
    return not obstacle(pack, layout)


def obstacle(pack: Pack, layout: Layout) -> str:
    """Why a run of the pack cannot train within a block of the current device; "" if it can."""
    if other := not_of_blocks(layout):
        return f"layers of the kind {other} have no form within a block"
    taken, largest = places_of(layout, pack.batch_size, len(OPTIMIZERS[pack.optimizer].slots)).bytes, largest_shared()
    if taken <= largest:
        return ""
    return f"a run takes {-(-taken // 1024):,} KiB of shared memory while it trains, and a block has {largest // 1024}"


def not_of_blocks(layout: Layout) -> str:
    """A kind of layer whose device form does not declare itself `FUSED`; "" if every form does."""
    return next((type(layer).__name__ for layer in layout.sequence if not is_fused(layer)), "")


def is_fused(layer: type[Layer] | Layer) -> bool:
    """Whether the device form of a layer declares that a block trains it too."""
    return bool(getattr(form_of(layer, CUDA_FORMS), "FUSED", False))


def kind_obstacle(pack: Pack) -> str:
    """A kind of layer in the pack's networks that no block trains; "" if blocks train every kind."""
    others = (kind for kind in pack.kinds() if not is_fused(LAYERS[kind]))
    return next((f"a layer of kind {kind}: it has no form within a block" for kind in others), "")


def ask_ahead(pack: Pack, data: Data) -> None:
    """Have the compiler work on what a pack will need that trains and evaluates in blocks."""
    layout, stored = pack.layout(data), kept_as(data.inputs.dtype)
    ask(fused_source(pack, layout, stored, moving=moving(pack.columns, data.image)).text, COMPILER_OPTIONS)


class FusedTrainer:
    """Trains the rows of a group side by side. See `plain.PlainTrainer` for the same in array functions."""

    def __init__(self, rows: Rows, machine: BlockMachine | None = None, threads: int = 0) -> None:
        self._rows, pack, data, xp = rows, rows.pack, rows.data, rows.xp
        self._machine = machine or device_blocks()
        self._examples = data.train.index.shape[1]
        self._stored = flat(rows.stored)
        image = moving(pack.columns, data.image)
        self._source = fused_source(pack, rows.layout, self._stored.dtype, threads, image)
        rooms = rooms_for_data(rows.layout, self._examples, data.classes, data.outputs) | rooms_for_runs(rows.layout)
        rooms |= rooms_for_updates(self._examples, 0)
        self._arrays = allocated(rooms, pack.runs, xp)
        fill(self._arrays, xp, constant=constant_numbers(pack.columns), **of_split(data, data.train))
        fill(self._arrays, xp, **of_runs(pack), **masks(pack, rows.layout))
        self._seeded = draw_order.is_drawn_by_seed(data, pack.columns["seed"])
        self._firsts, which = _alike(pack.columns)
        self._which, self._which_on_device = which, xp.asarray(which.astype(np.int32))
        self._table: tuple[int, np.ndarray] = (0, np.zeros(0))

    def train(self, epoch: int) -> dict[str, np.ndarray]:
        """All updates of an epoch, with dropout: the running loss and accuracy, (runs,) each, and the last learning
        rate.
        """
        rows, arrays = self._rows, self._arrays
        varying = self._numbers(epoch)
        self._draw(epoch)
        self._arrays["varying"] = rows.xp.asarray(np.ascontiguousarray(varying, np.float32))
        slots = [*rows.slots, *[rows.weights] * MOST_SLOTS][
            :MOST_SLOTS
        ]  # stands for slots that the optimizer does not have, and is never read
        weights = (rows.weights, *slots, rows.previous)
        first = (epoch - 1) * rows.updates
        self._machine.launch(
            self._source,
            walk(self._source, rows.pack.runs, weights, self._stored, arrays, self._which_on_device, True,
                 rows.updates, first, self._examples),
        )  # fmt: skip
        self._numbers(epoch + 1)  # meanwhile the device trains
        return of_epoch(rows, arrays, varying[self._which, -1, 0])

    def _numbers(self, epoch: int) -> np.ndarray:
        """The numbers that the updates of an epoch read, (tables, updates, VARYING), each distinct table once."""
        if self._table[0] != epoch:
            updates, columns = self._rows.updates, self._rows.pack.columns
            own = {name: columns[name][self._firsts] for name in MAKES_TABLES}
            self._table = (epoch, varying_numbers(own, (epoch - 1) * updates, updates))
        return self._table[1]

    def _draw(self, epoch: int) -> None:
        rows, order, seeds = self._rows, self._arrays["order"], self._rows.pack.columns["seed"]
        if not self._seeded:
            fill(self._arrays, rows.xp, order=rows.data.order(epoch))
        elif self._examples > MOST_SORTED:
            draw_order.draw(order, seeds, epoch, rows.xp)
        else:
            places = 1 << (self._examples - 1).bit_length()
            arguments = (order, self._arrays["seeds"], int(Purpose.ORDER), epoch, self._examples, places)
            launch = Launch("draw_order", (rows.pack.runs, 1), SORTERS, arguments, 8 * places)
            self._machine.launch(self._source, launch)


class FusedEvaluator:
    """Evaluates the networks in `weights` (runs, size) on one split of their data, without dropout."""

    def __init__(
        self,
        pack: Pack,
        layout: Layout,
        weights: Array,
        stored: Array,
        data: Data,
        split: Split,
        machine: BlockMachine | None = None,
        threads: int = 0,
    ) -> None:
        xp = module_of(weights)
        self._machine, self._data, self._examples = machine or device_blocks(), data, split.index.shape[1]
        held = flat(stored)
        self._source = fused_source(pack, layout, held.dtype, threads, moving(pack.columns, data.image))
        rooms = rooms_for_data(layout, self._examples, data.classes, data.outputs) | rooms_for_runs(layout)
        self._arrays = allocated(rooms | rooms_for_updates(0, 0), pack.runs, xp)
        self._arrays["varying"] = zeros((8,), np.float32, xp)  # stands for an argument that evaluation does not read
        fill(self._arrays, xp, **of_split(data, split), **of_runs(pack))
        steps = -(-self._examples // pack.batch_size)
        unread = zeros((1,), np.int32, xp)
        self._walk = walk(
            self._source, pack.runs, (weights,) * (MOST_SLOTS + 2), held, self._arrays, unread, False, steps, 0,
            self._examples,
        )  # fmt: skip

    def evaluate(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy of each run, two (runs,) float64 arrays; the accuracy of a regression is NaN."""
        self._machine.launch(self._source, self._walk)
        losses = to_host(self._arrays["losses"]) / self._examples
        return losses, accuracy(self._arrays["hits"], self._examples, self._data)


def walk(
    source: FusedSource,
    runs: int,
    weights: tuple[Array, ...],
    stored: Array,
    arrays: Mapping[str, Array],
    which: Array,
    learning: bool,
    steps: int,
    first: int,
    examples: int,
) -> Launch:
    """A pass over a split.

    `weights` are the networks, then come the slots, then the buffer for the weights before the last update. `first` is
    the number of the first update, counted since training began.
    """
    names = ("index", "order", "labels", "values", "scale", "shift", "seeds", "thresholds", "scales", "slope",
             "shift_pixels")  # fmt: skip
    data = (stored, *(arrays[name] for name in names), arrays["varying"], which)
    data += tuple(arrays[name] for name in ("constant", "losses", "hits"))
    numbers = (int(learning), steps, first, examples)
    return Launch("walk_split", (runs, 1), source.threads, (*weights, *data, *numbers), source.bytes)


def _alike(columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """One run for each distinct table of numbers, and the number of each run's table."""
    ranks = [np.unique(columns[name], return_inverse=True)[1].reshape(-1) for name in MAKES_TABLES]
    _, firsts, which = np.unique(np.stack(ranks, axis=1), axis=0, return_index=True, return_inverse=True)
    return firsts, which.reshape(-1)


class DeviceBlocks:
    """Compiles each source once, and launches on CuPy's current stream, in order with the other work there."""

    def launch(self, source: FusedSource, launch: Launch) -> None:
        """Launch one kernel of a source."""
        arguments = tuple(_passed(argument) for argument in launch.arguments)
        kernel = _kernels(source)[launch.kernel]
        kernel(launch.blocks, (launch.threads,), arguments, shared_mem=launch.shared)


@cache
def device_blocks() -> BlockMachine:
    """The machine of this process."""
    return DeviceBlocks()


@cache
def _kernels(source: FusedSource) -> dict[str, cupy.cuda.Function]:
    kernels = {name: module(source.text, COMPILER_OPTIONS).get_function(name) for name in source.kernels}
    for kernel in kernels.values():  # more than 48 KiB must be requested explicitly
        kernel.max_dynamic_shared_size_bytes = largest_shared()
    return kernels


@cache
def largest_shared() -> int:
    """The most bytes of shared memory that a block can have on the current device."""
    import cupy

    return int(cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"])


def _passed(argument: Argument) -> Argument | np.number:
    if isinstance(argument, int):
        return np.int32(argument)
    return np.float32(argument) if isinstance(argument, float) else argument
