"""The way back through max pooling, in LLVM's vector instructions: Numba would write a choice as a branch."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.tile import LANES, VECTOR, integer, load, start_of, write
from workbench.untyped import NumbaType


@intrinsic
def to_winners(_context, a, a_start, upper, upper_start, target, target_start, pixel, row, size, count):
    """target[y, x, i] = upper[i] where a[y, x, i] is the first that is the largest of a[:, :, i], else 0; y and x <
    size, i < count, a multiple of `LANES`.

    All three are flat float32 arrays, each from its `start` on. In a and target what belongs to the next x lies
    `pixel` numbers further on, and what belongs to the next y lies `row` further on.
    """
    n = types.int64
    signature = types.void(a, n, upper, n, target, n, n, n, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        a, upper, target = (start_of(context, builder, signature, values, place) for place in (0, 2, 4))
        pixel, row, size, count = values[6:]
        largest, left = (cgutils.alloca_once(builder, VECTOR) for _ in range(2))
        with cgutils.for_range(builder, builder.sdiv(count, integer(LANES))) as vector:
            lane = builder.mul(vector.index, integer(LANES))
            builder.store(load(builder, builder.gep(a, [lane])), largest)
            with cgutils.for_range(builder, size) as y, cgutils.for_range(builder, size) as x:
                number = load(builder, builder.gep(a, [_place(builder, lane, y.index, row, x.index, pixel)]))
                _keep_larger(builder, largest, number)
            builder.store(load(builder, builder.gep(upper, [lane])), left)
            with cgutils.for_range(builder, size) as y, cgutils.for_range(builder, size) as x:
                place = _place(builder, lane, y.index, row, x.index, pixel)
                number = load(builder, builder.gep(a, [place]))
                _hand_on(builder, number, builder.load(largest), left, builder.gep(target, [place]))
        return context.get_dummy_value()

    return signature, emit


def _place(builder: ir.IRBuilder, lane: ir.Value, y: ir.Value, row: ir.Value, x: ir.Value, pixel: ir.Value) -> ir.Value:
    return builder.add(lane, builder.add(builder.mul(y, row), builder.mul(x, pixel)))


def _keep_larger(builder: ir.IRBuilder, largest: ir.Value, number: ir.Value) -> None:
    """largest <- the larger of both; no number stays none."""
    before = builder.load(largest)
    replaces = builder.or_(builder.fcmp_ordered(">", number, before), builder.fcmp_unordered("uno", number, number))
    builder.store(builder.select(replaces, number, before), largest)


def _hand_on(builder: ir.IRBuilder, number: ir.Value, largest: ir.Value, left: ir.Value, target: ir.Value) -> None:
    """Where the number is the largest it gets what is left of dl/da, and nothing is left to the others."""
    wins, zeros, handed = builder.fcmp_ordered("==", number, largest), _zeros(), builder.load(left)
    write(builder, builder.select(wins, handed, zeros), target)
    builder.store(builder.select(wins, zeros, handed), left)


def _zeros() -> ir.Value:
    return ir.Constant(VECTOR, [0.0] * LANES)
