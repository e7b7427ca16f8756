"""Memory planned on the device: what every run of a pack takes, and how many runs fill it without overflowing it."""

from __future__ import annotations

from math import prod

import numpy as np

from workbench.engine.kernels.cuda import draw_order
from workbench.engine.kernels.cuda.buffers import bytes_per_run, evaluation_rooms, training_rooms
from workbench.engine.kernels.cuda.cublas import WORKSPACE
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.probes import PROBE_EXAMPLES
from workbench.engine.training.layout import Architecture, Layout
from workbench.engine.training.pack import Pack

# Part of the free memory left alone: what the library of arrays rounds up and keeps for later, and the graphs.
SPARED = 0.1
SORTING = 40  # bytes of each position while an order is drawn


def memory_per_run(pack: Pack, architecture: Architecture, examples: dict[str, int], classes: int) -> int:
    """Bytes that a run takes on the device while its pack trains.

    `examples` of the splits train, validation and test; `classes` 0 for a regression. Counted are the flat buffers
    (weights, best, gradients, previous, slots, and one copy while rows are moved), the trainer, an evaluator for each
    of validation and test, one more while ended runs are judged on all of the training split, and the probes. Trainer
    and evaluators count twice: when runs end, those of the rest are made before the old ones are let go.
    """
    layout, outputs = Layout(architecture), architecture.outputs
    flat = (5 + len(OPTIMIZERS[pack.optimizer].slots)) * layout.size * np.dtype(pack.dtype).itemsize
    updates = examples["train"] // pack.batch_size
    trainer = training_rooms(layout, pack.batch_size, examples["train"], updates, classes, outputs)
    evaluators = [evaluation_rooms(layout, count, classes, outputs) for count in examples.values()]
    return flat + 2 * sum(map(bytes_per_run, [trainer, *evaluators])) + 2 * _probes(layout)


def memory_of_pack(stored: np.ndarray) -> int:
    """Bytes that a pack takes once, however many its runs: the inputs, cuBLAS's workspace, and room to sort in."""
    return stored.nbytes + WORKSPACE + SORTING * draw_order.AT_A_TIME


def runs_that_fit(free: int, per_run: int, once: int) -> int:
    """How many runs fit into `free` bytes of the device; at least one, which then may fail for want of memory."""
    return max(1, (int(free * (1 - SPARED)) - once) // per_run)


def _probes(layout: Layout) -> int:
    """The plain passes over the probe batch: z, a, their copies in products, and the reader's two."""
    widths = sum(prod(layer.inputs) + layer.buffers + layer.touched for layer in layout.layers)
    weights = max(rows * columns for _, rows, columns in layout.rows())  # copied where a product reads it transposed
    return 4 * (PROBE_EXAMPLES * widths + 2 * weights)
