"""What the compiled kernel offers the training loop: an epoch of updates for every run of a group, and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from workbench.engine.backend import Array, zeros
from workbench.engine.kernels.compiled import image_head, losses, nonzero_columns, passes, products, rule_loops
from workbench.engine.kernels.compiled.example_reading import Examples
from workbench.engine.kernels.compiled.products import COLUMN_COUNT, PANEL_SIZE, ROW_COUNT, UNIT_COUNT
from workbench.engine.kernels.compiled.sharers import Sharers, threads_for
from workbench.engine.kernels.compiled.stages import images_of
from workbench.engine.kernels.compiled.tile import PANEL
from workbench.engine.kernels.compiled.update import ELEMENTWISE_MOMENTS, UpdateRules
from workbench.engine.kernels.forms import form_of, layer_obstacle
from workbench.engine.kernels.rows import Rows
from workbench.engine.kernels.traced import (
    VARYING,
    constant_numbers,
    optimizer_trace,
    penalty_trace,
    rule_obstacle,
    rules_read,
    used_penalties,
)
from workbench.engine.layers.base import Layer
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.dropout import LEVELS, levels_by_run, mask_keys
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.schedules import timetable
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data, Split
from workbench.engine.training.shifts import moves

COMPILED_FORMS = "compiled"  # the name of this kernel in `Layer.forms`


def obstacle(pack: Pack) -> str:
    """Why this kernel cannot train the pack; "" if every layer and every rule of it has a compiled form."""
    if pack.device != "cpu" or pack.dtype != "float32":
        return f"device={pack.device}, dtype={pack.dtype}"
    if pack.loss not in losses.LOSS_LOOPS:
        return f"network.loss={pack.loss}: it has no form in this kernel"
    return layer_obstacle(pack, COMPILED_FORMS) or rule_obstacle(pack)


class CompiledTrainer:
    """Trains the rows of a group run by run, in one call that releases the GIL, or in one for each thread of those that
    share a run.

    See `plain.PlainTrainer` for the same in NumPy.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows, pack, layout = rows, rows.pack, rows.layout
        columns, reads = pack.columns, rules_read(pack)
        self._loss, self._places = losses.loss_loop(pack.loss), places_of(layout)
        self._updating = update_rules(pack, rows.slots, len(reads))
        self._moving = np.array([place for place, name in enumerate(reads) if name in VARYING], np.int64)
        self._varying = [reads[place] for place in self._moving]
        self._constant = constant_numbers(columns, reads)
        levels = np.ascontiguousarray(levels_by_run(layout.dropout, columns).T)
        self._masked = levels.any(axis=1)
        threads = threads_for(layout, self._places, pack.batch_size, rows.threads)
        # Threads that share a run, and images that move, read whole examples.
        leaves_out = _are_bytes(rows.stored) and threads == 1 and not columns["shift_pixels"].any()
        self._scratch = scratch_for(layout, pack.batch_size, bool(self._masked.any()), leaves_out=leaves_out)
        self._thresholds, self._scales = levels.astype(np.uint32), (LEVELS / (LEVELS - levels)).astype(np.float32)
        self._examples = examples_of(rows.data, rows.data.train, rows.stored, columns["slope"])
        self._sharers = Sharers(threads, self._scratch, self._updating) if threads > 1 else None

    def train(self, epoch: int) -> dict[str, np.ndarray]:
        """All updates of an epoch, with dropout: the running loss and accuracy, (runs,) each, and the last learning
        rate.
        """
        rows, pack, first_update = self._rows, self._rows.pack, (epoch - 1) * self._rows.updates
        table = timetable(pack.columns, first_update, rows.updates, rows.updates)
        w, previous = (buffer.reshape(-1) for buffer in (rows.weights, rows.previous))
        means = np.empty((pack.runs, 2))
        given = (
            self._places, rows.layout.weights_end, w, rows.gradients[0], previous, self._examples,
            rows.data.order(epoch).reshape(-1), self._timetable(table, first_update),
        )  # fmt: skip
        if self._sharers:
            self._sharers.train(self._loss, *given, pack.batch_size, means)
        else:
            passes.train_epoch(self._loss, self._updating, *given, self._scratch, pack.batch_size, means)
        return {
            "train_loss": means[:, 0],
            "train_accuracy": means[:, 1] if rows.data.classes else np.full(pack.runs, np.nan),
            "learning_rate": table["learning_rate"][-1],
        }

    def _timetable(self, table: dict[str, np.ndarray], first_update: int) -> passes.Timetable:
        rows = self._rows
        varying = np.empty((rows.pack.runs, rows.updates, len(self._varying)), np.float32)
        for column, name in enumerate(self._varying):
            varying[..., column] = table[name].T
        max_norm = rows.pack.columns["max_norm"].astype(np.float32)
        if self._masked.any():
            steps = np.arange(first_update, first_update + rows.updates)
            by_step = mask_keys(rows.pack.columns["seed"], len(rows.layout.dropout), steps)
            keys = np.ascontiguousarray(by_step.transpose(2, 0, 1))
        else:
            keys = np.zeros((rows.pack.runs, 1, len(rows.layout.dropout)), np.uint64)
        of_stages = 2 * len(self._scratch.filters)
        return passes.Timetable(
            varying, self._moving, self._constant, max_norm, self._masked, self._moves(first_update),
            *(_behind(array, of_stages) for array in (keys, self._thresholds, self._scales)),
            *(np.ascontiguousarray(array[..., : of_stages + 1]) for array in (keys, self._thresholds, self._scales)),
        )  # fmt: skip

    def _moves(self, first_update: int) -> np.ndarray:
        rows, columns = self._rows, self._rows.pack.columns
        steps = np.arange(first_update, first_update + (rows.updates if columns["shift_pixels"].any() else 0))
        return np.ascontiguousarray(moves(columns, steps, rows.pack.batch_size).swapaxes(0, 1))


def _behind(dropped: np.ndarray, of_stages: int) -> np.ndarray:
    """What dropout layers read, (..., layers), without those of the stages; nothing is dropped where these end."""
    if not of_stages:
        return dropped
    found = dropped[..., of_stages:].copy()
    found[..., 0] = 0
    return found


class CompiledEvaluator:
    """Evaluates the networks in `weights` (runs, size) on one split of their data."""

    def __init__(self, pack: Pack, layout: Layout, weights: Array, stored: Array, data: Data, split: Split) -> None:
        self._loss, self._places, self._weights = losses.loss_loop(pack.loss), places_of(layout), weights
        self._examples, self._classes = examples_of(data, split, stored, pack.columns["slope"]), data.classes
        self._chunk = min(EVALUATED_AT_ONCE, split.index.shape[1])
        self._scratch = scratch_for(layout, self._chunk, learning=False, leaves_out=_are_bytes(stored))

    def evaluate(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy of each run, two (runs,) float64 arrays; the accuracy of a regression is NaN."""
        runs, size = self._weights.shape
        means = np.empty((runs, 2))
        passes.evaluate(
            self._loss, self._places, self._weights.reshape(-1), size, self._examples, WITHOUT_MASKS, self._chunk,
            self._scratch, means,
        )  # fmt: skip
        return means[:, 0], means[:, 1] if self._classes else np.full(runs, np.nan)


def update_rules(pack: Pack, slots: Sequence[np.ndarray], numbers: int) -> UpdateRules:
    """The loops of the pack's optimizer and of the penalties in use, the addresses of the slots, and a row for so many
    numbers.
    """
    start, found = len(optimizer_trace(OPTIMIZERS[pack.optimizer]).reads), []
    for name, row in used_penalties(pack).items():
        reads = penalty_trace(row).reads
        found.append(
            (ELEMENTWISE_MOMENTS.index(row.moment), rule_loops.penalty_loop(name), start, start + reads.index(name))
        )
        start += len(reads)
    return UpdateRules(
        rule_loops.optimizer_loop(pack.optimizer),
        np.array([slot.ctypes.data for slot in slots], np.int64),
        np.array(found, np.int64).reshape(-1, 4),
        np.empty(numbers, np.float32),
    )


def places_of(layout: Layout) -> np.ndarray:
    """Of each layer that reads features, as its form has it: where its tensors begin, its shape, its loops: (layers,
    11), see `passes`.
    """
    return np.array([row for layer, row in _heads(layout) if not isinstance(layer, Convolution)], np.int64)


def filters_of(layout: Layout) -> np.ndarray:
    """The same of each convolution, and its places: (stages, 12). There are none if the network reads features."""
    rows = [[*row, prod(layer.places)] for layer, row in _heads(layout) if isinstance(layer, Convolution)]
    return np.array(rows, np.int64).reshape(len(rows), products.PLACE_COLUMNS + 1)


def _heads(layout: Layout) -> Iterator[tuple[Layer, list[int]]]:
    """Every layer with parameters, and what all their rows have in common."""
    for number, layer in enumerate(layout.layers):
        form, is_last = form_of(layer, COMPILED_FORMS), number == len(layout.layers) - 1
        # The activation of the output layer belongs to the loss.
        loops = (0, 0, 0, products.NO_SLOPES) if is_last else (*form.loops(layer), _slopes_of(layer))
        yield layer, [*form.place(layout, number), *loops, products.tiles()]


def _slopes_of(layer: Layer) -> int:
    learned = any(tensor.name == "slopes" for tensor in layer.tensors)
    return products.OWN_SLOPES if learned else products.FIXED_SLOPE


def scratch_for(
    layout: Layout, batch: int, masks: bool = False, learning: bool = True, leaves_out: bool = False
) -> passes.Scratch:
    """Buffers for the activations of one batch of one run, of images with their `masks` or without; `learning`: whether
    a backward pass follows, which reads the maps of all images; `leaves_out`: whether the passes leave out columns of
    zeros, if the network lets them.

    Each has a few more numbers at its end, because products are read in whole vectors (`products`).
    """
    places, filters, inputs, outputs = places_of(layout), filters_of(layout), layout.inputs, layout.outputs
    layers = len(places)
    rows, units = batch * int(places[:, ROW_COUNT].max()), batch * int(places[:, [COLUMN_COUNT, UNIT_COUNT]].max())
    first = int(places[0, ROW_COUNT]), int(places[0, COLUMN_COUNT])
    leaves_out = leaves_out and not len(filters) and nonzero_columns.may_leave_out(*first)
    of_x = (nonzero_columns.in_whole_vectors(batch) if leaves_out else batch) * inputs
    sizes = {"x": of_x, "z": layers * rows, "dl_da": units, "slope": units, "panel": PANEL_SIZE}
    sizes |= {"zeros": 0, "ones": 0} | dict.fromkeys(("a", "masked", "mask"), layers * units)
    buffers = {name: zeros((size + PANEL,), np.float32, np) for name, size in sizes.items()}
    buffers["ones"][:] = 1
    features, integers, maps = buffers["x"], np.zeros(0, np.int64), np.zeros(0, np.float32)
    if len(filters):
        features = zeros((batch * int(places[0, COLUMN_COUNT]) + PANEL,), np.float32, np)
        given = {image_head.X: buffers["x"], image_head.FEATURES: features, image_head.DL_DA: buffers["dl_da"]}
        integers, maps = images_of(layout, filters[:, :-1].tolist(), batch, masks, given, learning)
    return passes.Scratch(
        **buffers,
        nonzero=nonzero_columns.nonzero_for(*first) if leaves_out else nonzero_columns.all_columns(),
        rows=np.zeros(batch, np.int64),
        labels=np.zeros(batch, np.int64),
        values=np.zeros(batch * outputs, np.float32),
        judged=losses.judging_scratch(batch, outputs),
        strides=(rows, units),
        features=features,
        images=integers,
        maps=maps,
        filters=filters,
    )


def examples_of(data: Data, split: Split, stored: np.ndarray, slope: np.ndarray) -> Examples:
    """A split of every run's data, and the runs' slopes (runs,), as the compiled passes read them."""
    is_image, is_class = _are_bytes(stored), data.classes > 0
    return Examples(
        images=_flat(stored if is_image else (), np.uint8),
        floats=_flat(() if is_image else stored, np.float32),
        index=_flat(split.index, np.int64),
        labels=_flat(split.targets if is_class else np.zeros(split.index.shape), np.int64),
        values=_flat(() if is_class else split.targets, np.float32),
        scale=np.ascontiguousarray(data.scale[:, 0], np.float32),
        shift=np.ascontiguousarray(data.shift[:, 0], np.float32),
        slope=slope.astype(np.float32),
        shape=data.image or (0, 0, 0),
    )


def _are_bytes(stored: np.ndarray) -> bool:
    return stored.dtype == np.uint8


def _flat(array: ArrayLike, dtype: DTypeLike) -> np.ndarray:
    return np.ascontiguousarray(array, dtype).reshape(-1)


# The timetable of an evaluation, which reads nothing from it.
WITHOUT_MASKS = passes.Timetable(
    varying=np.zeros((1, 1, 1), np.float32),
    places=np.zeros(0, np.int64),
    constant=np.zeros((1, 1), np.float32),
    max_norm=np.zeros(1, np.float32),
    masked=np.zeros(1, bool),
    moves=np.zeros((1, 0, 1, 2), np.int16),
    keys=np.zeros((1, 1, 1), np.uint64),
    thresholds=np.zeros((1, 1), np.uint32),
    scales=np.zeros((1, 1), np.float32),
    image_keys=np.zeros((1, 1, 1), np.uint64),
    image_thresholds=np.zeros((1, 1), np.uint32),
    image_scales=np.zeros((1, 1), np.float32),
)
