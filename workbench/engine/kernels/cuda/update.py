"""The update of all parameters as launches, and the tables of numbers that it reads: `kernels/update.py`, fused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.kernels.cuda import codes
from workbench.engine.kernels.cuda.codes import MOST_SLOTS, THREADS
from workbench.engine.kernels.cuda.launches import Launch, threads_for, tiles
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.penalties import strengths
from workbench.engine.rules.schedules import VARYING, timetable

PARAMETERS_A_THREAD = 4  # one 16-byte access


def constant_numbers(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The numbers that an update reads and no step changes: (runs, constants) float32."""
    known = strengths(columns)
    return np.stack([known[name] for name in codes.constant()], axis=1).astype(np.float32)


def varying_numbers(columns: Mapping[str, np.ndarray], first: int, updates: int) -> np.ndarray:
    """The numbers that an update reads and every step changes, for an epoch from update `first` on: (runs, updates,
    VARYING).
    """
    table = timetable(columns, first, updates, updates)
    return np.stack([table[name].T for name in VARYING], axis=-1)


def update_launches(rows: Rows, arrays: Mapping[str, Array]) -> Iterator[Launch]:
    """Penalties and optimizer over the flat buffer, then max-norm layer by layer if any run has one."""
    pack, layout = rows.pack, rows.layout
    slots = [*rows.slots, *[rows.gradients] * MOST_SLOTS][
        :MOST_SLOTS
    ]  # stands for slots that the optimizer does not have, and is never read
    arguments = (
        rows.weights, rows.gradients, *slots, rows.previous, arrays["counters"], arrays["varying"],
        arrays["constant"], codes.optimizers().index(pack.optimizer), layout.weights_end, layout.size, rows.updates,
    )  # fmt: skip
    yield Launch("update", (pack.runs, tiles(layout.size, PARAMETERS_A_THREAD * THREADS)), THREADS, arguments)
    if not pack.columns["max_norm"].any():
        return
    for start, neurons, columns in layout.rows():
        shape = (start, neurons, columns, layout.size)
        threads = threads_for(columns, THREADS)
        yield Launch("bound", (pack.runs, tiles(neurons, 1)), threads, (rows.weights, arrays["constant"], *shape))
