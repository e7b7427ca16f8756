"""Sizes: the bytes of a run, and how many runs form a group."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.probes import PROBE_EXAMPLES
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.evaluation import EVALUATED_AT_ONCE, chunk_of
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data
from workbench.engine.training.scratch import numbers_of

# Larger groups spread Python's cost per call over more runs, until their buffers leave the cache.
CACHE = 6 * 2**20  # bytes
LARGEST_GROUP = 64
READERS = 4  # of a run's inputs: for training, validation, test and probes; each has scale and shift in float32
MOVE_BYTES = 4  # for each example of a step: its move
STEP_BYTES = 150  # for each step of a run: its learning rate, momentum and bias corrections, and their copies
MASK_BYTES = 40  # for each step and layer of a run: the key of a mask, and the temporaries of its hash


def bytes_per_run(pack: Pack, data: Data) -> int:
    """Bytes that a training step of one run touches: parameters, gradients, slots, activations and one minibatch."""
    return _touched(pack, pack.layout(data))


def runs_per_group(pack: Pack, data: Data) -> int:
    """How many runs form a group: on the CPU as many as fit into the cache, on a GPU all of them."""
    if pack.device != "cpu":
        return pack.runs
    if pack.kernel == "compiled":
        return LARGEST_GROUP  # this kernel trains the runs of a group one after the other
    return _group_of(bytes_per_run(pack, data))


def _touched(pack: Pack, layout: Layout) -> int:
    parameters = layout.size * (2 + len(OPTIMIZERS[pack.optimizer].slots))
    activations = pack.batch_size * sum(layer.touched for layer in layout.without_dropout)
    return (parameters + activations) * np.dtype(pack.dtype).itemsize


def _group_of(bytes_of_run: int) -> int:
    return int(np.clip(CACHE // bytes_of_run, 1, LARGEST_GROUP))


def memory_of_pack(pack: Pack, architecture: Architecture, examples: Mapping[str, int]) -> int:
    """Bytes that a pack takes on the CPU while it trains. All packs share the inputs, so these are not included.

    `examples` counts those of the splits train, validation and test. `benchmarks/memory.py` compares this with the peak
    of a process.
    """
    layout, groups = Layout(architecture), -(-pack.runs // LARGEST_GROUP)
    runs = pack.runs * _of_run(pack, layout, examples)
    if pack.kernel != "compiled":
        return runs + _plain_at_end(pack, layout, examples)
    return runs + groups * _of_group(pack, layout, examples) + _at_end(layout, examples)


def _of_run(pack: Pack, layout: Layout, examples: Mapping[str, int]) -> int:
    """Bytes of one run.

    They count its rows of the flat buffers, and one more for the evaluation at its end; its share of the data: index
    and target of every example, the order of an epoch with its sort keys, scale and shift of every feature; and the
    tables of an epoch's steps. The plain kernel holds the activations of all runs of a group at once, the compiled
    kernel those of one run.
    """
    itemsize, slots = np.dtype(pack.dtype).itemsize, len(OPTIMIZERS[pack.optimizer].slots)
    updates = examples["train"] // pack.batch_size
    data = 16 * sum(examples.values()) + 12 * examples["train"] + (16 + 8 * READERS) * layout.inputs
    moved = MOVE_BYTES * pack.batch_size if pack.columns["shift_pixels"].any() else 0
    tables = updates * (moved + STEP_BYTES + (MASK_BYTES * len(layout.dropout) if _drops(pack, layout) else 0))
    if pack.kernel == "compiled":
        return (4 + slots) * layout.size * itemsize + data + tables
    return ((5 + slots) * layout.size + _activations(pack, layout, examples)) * itemsize + data + tables


def _of_group(pack: Pack, layout: Layout, examples: Mapping[str, int]) -> int:
    """The compiled kernel's scratch: to train, to evaluate on two splits, to probe, and the maps that are probed."""
    drops = _drops(pack, layout)
    numbers = numbers_of(layout, pack.batch_size, drops) + numbers_of(layout, PROBE_EXAMPLES, False)
    for split in ("validation", "test"):
        numbers += numbers_of(layout, _chunk(examples[split]), False, learning=False)
    return 4 * (numbers + PROBE_EXAMPLES * layout.largest_map)


def _at_end(layout: Layout, examples: Mapping[str, int]) -> int:
    """Bytes for the end of a run: one more evaluation, and then the probe that sorts the weights of a layer."""
    sorting = 28 * max(rows * columns for _, rows, columns in layout.rows())  # float64: sizes, ranks and products
    return max(4 * numbers_of(layout, max(map(_chunk, examples.values())), False, learning=False), sorting)


def _plain_at_end(pack: Pack, layout: Layout, examples: Mapping[str, int]) -> int:
    """One more evaluation of a group of image networks. Those of dense ones are small beside their training."""
    if not layout.largest_map:
        return 0
    largest = max(map(chunk_of, examples.values()))
    return (
        min(pack.runs, _group_of(_touched(pack, layout))) * largest * _forward(layout) * np.dtype(pack.dtype).itemsize
    )


def _chunk(examples: int) -> int:
    return min(EVALUATED_AT_ONCE, examples)


def _activations(pack: Pack, layout: Layout, examples: Mapping[str, int]) -> int:
    """Numbers that the plain passes hold for a run: a step with its masks, an evaluation of two splits,
    and the probes.
    """
    masks = sum(layer.buffers for layer in layout.dropout) if _drops(pack, layout) else 0
    chunks = sum(chunk_of(examples[split]) for split in ("validation", "test"))
    step = _forward(layout) + _backward(layout) + masks
    return pack.batch_size * step + chunks * _forward(layout) + _of_probes(layout)


def _of_probes(layout: Layout) -> int:
    return PROBE_EXAMPLES * (_forward(layout) + _backward(layout))


def _forward(layout: Layout) -> int:
    """Numbers for each example in the forward pass: its stored and its scaled form, and what every layer keeps."""
    return 2 * layout.inputs + _kept(layout)


def _kept(layout: Layout) -> int:
    return sum(layer.buffers for layer in layout.without_dropout)


def _backward(layout: Layout) -> int:
    return sum(map(prod, layout.passed_back))


def _drops(pack: Pack, layout: Layout) -> bool:
    return any(pack.columns[layer.rate].any() for layer in layout.dropout)
