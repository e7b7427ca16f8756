"""Memory planned on the device: how much a pack takes, and every run of it."""

from __future__ import annotations

from math import prod

import numpy as np

from workbench.engine.kernels.cuda import draw_order
from workbench.engine.kernels.cuda.buffers import bytes_per_run, evaluation_rooms, training_rooms
from workbench.engine.kernels.cuda.cublas import WORKSPACE, WORKSPACES
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.probes import PROBE_EXAMPLES
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack

SORTING = 40  # bytes for each position while an order is drawn


def memory_per_run(pack: Pack, architecture: Architecture, examples: dict[str, int], classes: int) -> int:
    """Bytes that a run takes on the device while its pack trains.

    `examples` of the splits train, validation and test; `classes` 0 for a regression. It counts the flat buffers
    (weights, best, gradients, previous, slots, and one copy while rows are moved), the trainer, an evaluator for each
    of validation and test, one more while ended runs are evaluated on all of the training split, and the probes.
    Trainer and evaluators count twice: when runs end, the new ones for the other runs are made before the old ones are
    freed.
    """
    layout, outputs = Layout(architecture), architecture.outputs
    flat = (5 + len(OPTIMIZERS[pack.optimizer].slots)) * layout.size * np.dtype(pack.dtype).itemsize
    updates = examples["train"] // pack.batch_size
    trainer = training_rooms(layout, pack.batch_size, examples["train"], updates, classes, outputs)
    evaluators = [evaluation_rooms(layout, count, classes, outputs) for count in examples.values()]
    return flat + 2 * sum(map(bytes_per_run, [trainer, *evaluators])) + 2 * _probes(layout)


def memory_of_pack(stored: int) -> int:
    """Bytes that a pack takes once, however many runs it has: its inputs, which are `stored`, cuBLAS's workspaces, and
    space for sorting.
    """
    return stored + WORKSPACES * WORKSPACE + SORTING * draw_order.AT_A_TIME


def _probes(layout: Layout) -> int:
    """Bytes of the plain passes over the probe batch: z, a, their copies in products, and the reader's two arrays."""
    widths = sum(prod(layer.inputs) + layer.buffers + layer.touched for layer in layout.without_dropout)
    weights = max(rows * columns for _, rows, columns in layout.rows())  # copied if a product reads it transposed
    return 4 * (PROBE_EXAMPLES * widths + 2 * weights)
