"""What a core can do at most: multiplications and additions if nothing is loaded or stored, and roots with quotients.

No product is faster than the first. The loop has as many sums as a tile of the compiled kernel, which is enough to hide
how long one multiply-add takes. No update of Adam is faster than the second: each weight needs a root and a quotient,
which one unit of the core computes, a vector in many cycles.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.native import FLOAT, INT
from workbench.engine.kernels.compiled.tile import HEIGHTS, LANES, VECTOR, VECTORS, integer, multiply_add, spread
from workbench.untyped import NumbaType

SUMS = HEIGHTS[0] * VECTORS
ROUNDS, STEPS, NUMBERS = 20, 2_000_000, 3200


def peak() -> float:
    """Floating-point operations a second of the core that this runs on."""
    steps: Any = _steps
    steps(STEPS)
    least = min(_seconds(lambda: steps(STEPS)) for _ in range(ROUNDS))
    return 2 * SUMS * LANES * STEPS / least


def root_and_quotient() -> float:
    """Nanoseconds that a root and a quotient take, of many float32 numbers in the first-level cache."""
    numbers = np.linspace(1, 2, NUMBERS, dtype=np.float32)
    work: Any = _roots_and_quotients
    result, repeats = np.empty_like(numbers), STEPS // NUMBERS
    work(1, numbers, numbers, result)
    least = min(_seconds(lambda: work(repeats, numbers, numbers, result)) for _ in range(ROUNDS))
    return least / (repeats * NUMBERS) * 1e9


def _seconds(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return process_time() - started


@intrinsic
def _multiply_adds(_context, _count):  # type: ignore[no-untyped-def]
    """So many times: every sum <- sum * x + y. Their total, so that the compiler leaves none out."""

    def emit(_context: NumbaType, builder: ir.IRBuilder, _signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        x, y = (spread(builder, ir.Constant(FLOAT, number)) for number in (0.5, 1.0))
        before, loop, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
        starts = [spread(builder, builder.sitofp(values[0], FLOAT)) for _ in range(SUMS)]
        starts = [builder.fadd(start, spread(builder, ir.Constant(FLOAT, k))) for k, start in enumerate(starts)]
        builder.branch(loop)
        builder.position_at_end(loop)
        step, sums = builder.phi(INT), [builder.phi(VECTOR) for _ in range(SUMS)]
        added = [multiply_add(builder, one, x, y) for one in sums]
        following = builder.add(step, integer(1))
        for phi, start, next_one in zip((step, *sums), (integer(0), *starts), (following, *added), strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(next_one, loop)
        builder.cbranch(builder.icmp_signed("<", following, values[0]), loop, after)
        builder.position_at_end(after)
        total = added[0]
        for one in added[1:]:
            total = builder.fadd(total, one)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(types.int64), emit


@njit
def _steps(steps):  # type: ignore[no-untyped-def]
    return _multiply_adds(steps)


@njit(error_model="numpy")
def _roots_and_quotients(repeats, x, y, result):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        for i in range(x.size):
            result[i] = x[i] / np.sqrt(y[i])
