"""The update of all parameters as launches, and the tables of numbers that it reads: `kernels/update.py`, fused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.kernels.cuda import codes
from workbench.engine.kernels.cuda.codes import LARGEST_GRID, MOST_SLOTS, PRODUCT, THREADS
from workbench.engine.kernels.cuda.cublas import PRECISIONS
from workbench.engine.kernels.cuda.launches import (
    FILLING,
    Argument,
    Launch,
    Plan,
    Product,
    threads_for,
    tiles,
    turns,
)
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.penalties import strengths
from workbench.engine.rules.schedules import VARYING, timetable

PARAMETERS_A_THREAD = 4  # one 16-byte access
FULL_ENOUGH = 0.6  # of the tiles of a product; else a library multiplies, and an update follows


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


def with_updates(plan: Plan, rows: Rows, arrays: Mapping[str, Array]) -> Iterator[Launch | Product]:
    """A step whose plan computes the gradients, and then the update of every parameter: penalties, the optimizer, and
    max-norm layer by layer if any run has one.

    A product that is a gradient of weights updates them at once if it can; one launch updates each stretch of the
    others.
    """
    done = []
    for part in plan:
        is_gradient = isinstance(part, Product) and part.out.array is rows.gradients
        if isinstance(part, Product) and is_gradient and updates_at_once(part):
            yield _by_product(part, rows, arrays)
            done.append((part.out.start, part.out.start + part.out.rows * part.out.columns))
        else:
            yield part
    yield from (_update(first, last, rows, arrays) for first, last in _others(done, rows.layout.size))
    yield from _bounds(rows, arrays)


def updates_at_once(product: Product) -> bool:
    """Whether a kernel of our own computes that gradient and updates by it: of enough tiles to fill a device, most of
    them full, and read by four.
    """
    rows, columns = product.out.shape
    down, across = -(-rows // PRODUCT["ROWS"]), -(-columns // PRODUCT["COLUMNS"])
    full = rows * columns / (down * across * PRODUCT["ROWS"] * PRODUCT["COLUMNS"])
    return (
        product.left.transposed
        and not product.right.transposed
        and rows % 4 == columns % 4 == 0
        and full > FULL_ENOUGH
        and product.runs * down * across >= FILLING // 8
        and down * across <= LARGEST_GRID
    )


def _others(done: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """The stretches of a row that lie between those that are done. The padding of a tensor is updated as it ever was:
    it is zero and stays zero.
    """
    first = 0
    for start, end in [*sorted(done), (size, size)]:
        if first < start:
            yield first, start
        first = end


def _by_product(product: Product, rows: Rows, arrays: Mapping[str, Array]) -> Launch:
    """The update of a layer's weights, from the factors of their gradient."""
    (neurons, columns), batch = product.out.shape, product.left.rows
    arguments = (
        product.left.array, product.right.array, rows.weights, *_state(rows, arrays), product.out.start,
        neurons, columns, batch, rows.layout.size, rows.updates,
    )  # fmt: skip
    across = -(-columns // PRODUCT["COLUMNS"])
    blocks = (rows.pack.runs, -(-neurons // PRODUCT["ROWS"]) * across)
    return Launch(PRECISIONS[rows.pack.precision].updating, blocks, PRODUCT["THREADS"], arguments)


def _update(first: int, last: int, rows: Rows, arrays: Mapping[str, Array]) -> Launch:
    """The update of a stretch of every run's parameters."""
    layout = rows.layout
    arguments = (
        rows.weights, rows.gradients, *_state(rows, arrays), layout.weights_end, first, last, layout.size, rows.updates,
    )  # fmt: skip
    blocks = turns((last - first) // PARAMETERS_A_THREAD, THREADS, rows.pack.runs)
    return Launch("update", (rows.pack.runs, blocks), THREADS, arguments, waits=True)


def _state(rows: Rows, arrays: Mapping[str, Array]) -> tuple[Argument, ...]:
    """What an update reads besides weights and gradients: slots, the weights before, and the numbers of the rules."""
    # Gradients stand for slots that the optimizer does not have, and are never read.
    slots = [*rows.slots, *[rows.gradients] * MOST_SLOTS][:MOST_SLOTS]
    code = codes.optimizers().index(rows.pack.optimizer)
    return *slots, rows.previous, arrays["counters"], arrays["varying"], arrays["constant"], code


def _bounds(rows: Rows, arrays: Mapping[str, Array]) -> Iterator[Launch]:
    if not rows.pack.columns["max_norm"].any():
        return
    for start, neurons, columns in rows.layout.rows():
        shape = (start, neurons, columns, rows.layout.size)
        threads = threads_for(columns, THREADS)
        yield Launch("bound", (rows.pack.runs, tiles(neurons, 1)), threads, (rows.weights, arrays["constant"], *shape))
