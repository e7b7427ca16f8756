"""The innermost loops of a convolution, in LLVM's vector instructions: a tile of the result stays in registers.

The lanes of a vector are examples of the minibatch, which lie beside each other for every number of an image. So a
window needs no copy: its rows of pixels are rows of numbers in memory, one window row after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.native import FLOAT, FLOAT_BYTES
from workbench.engine.kernels.compiled.tile import (
    LANES,
    VECTOR,
    integer,
    lanes_in,
    load,
    multiply_add,
    spread,
    start_of,
    write,
)
from workbench.untyped import NumbaType

# Rows and vectors that a tile may have, and rows and columns of one of weight gradients. Every sum takes a register, of
# which there are 16 with AVX2 and 32 elsewhere; those left over hold what is multiplied.
WINDOW_HEIGHTS, WINDOW_VECTORS = (4, 2, 1) if LANES == 8 else (8, 4, 2, 1), 3
SUM_ROWS, SUM_COLUMNS = (4, 1), ((3, 2, 1) if LANES == 8 else (5, 4, 3, 2, 1))
USUAL_COLUMNS = 3 if LANES == 8 else 4  # what does not fill tiles of the widest is better cut into these


@intrinsic
def multiply_window(_context, height, vectors, a, a_start, a_row, a_outer, b, b_start, b_row, b_outer, first,
                    first_start, c, c_start, c_row, outer, steps):  # fmt: skip
    """c[r, j] = first[r] + sum over o < outer and k < steps of a[r, o, k] * b[o, k, j], for r < height (of
    `WINDOW_HEIGHTS`) and the lanes j of so many vectors (at most `WINDOW_VECTORS`).

    All four are flat float32 arrays, each from its `start` on. Rows of a, b and c are `row` numbers apart, and what
    belongs to the next o lies `outer` numbers further on. The sum runs in order, one rounding a step.
    """
    n = types.int64
    signature = types.void(n, n, a, n, n, n, b, n, n, n, first, n, c, n, n, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        height, vectors, _, _, a_row, a_outer, _, _, b_row, b_outer, _, _, _, _, c_row, outer, steps = values
        a, b, first, c = (start_of(context, builder, signature, values, place) for place in (2, 6, 10, 12))

        def case(rows: int, columns: int) -> None:
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(columns)] for _ in range(rows)]
            for r, row in enumerate(sums):
                start = spread(builder, builder.load(builder.gep(first, [integer(r)])))
                for total in row:
                    builder.store(start, total)
            with cgutils.for_range(builder, outer) as each:
                a_from = builder.gep(a, [builder.mul(each.index, a_outer)])
                b_from = builder.gep(b, [builder.mul(each.index, b_outer)])
                with cgutils.for_range(builder, steps) as step:
                    row_of_b = builder.gep(b_from, [builder.mul(step.index, b_row)])
                    panel = [load(builder, builder.gep(row_of_b, [integer(v * LANES)])) for v in range(columns)]
                    for r, row in enumerate(sums):
                        place = builder.add(builder.mul(integer(r), a_row), step.index)
                        factor = spread(builder, builder.load(builder.gep(a_from, [place])))
                        for number, total in zip(panel, row, strict=True):
                            builder.store(multiply_add(builder, factor, number, builder.load(total)), total)
            for r, row in enumerate(sums):
                row_of_c = builder.gep(c, [builder.mul(integer(r), c_row)])
                for v, total in enumerate(row):
                    write(builder, builder.load(total), builder.gep(row_of_c, [integer(v * LANES)]))

        _cases(builder, height, WINDOW_HEIGHTS, vectors, tuple(range(1, WINDOW_VECTORS + 1)), case)
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def sum_of_products(_context, rows, columns, a, a_start, a_row, a_across, a_down, b, b_start, b_row, b_across, b_down,
                    c, c_start, c_row, down, across, lanes):  # fmt: skip
    """c[r, k] += the sum over y < down, x < across and all lanes of a[r, y, x] * b[k, y, x], for r < rows and k <
    columns (of `SUM_ROWS` and `SUM_COLUMNS`).

    All three are flat float32 arrays, each from its `start` on. Rows of a, b and c are `row` numbers apart, and what
    belongs to the next x or y lies `across` or `down` further on. Each number of a vector of lanes is summed by itself,
    in order, and these sums in the end. There are lanes for an even number of vectors.
    """
    n = types.int64
    signature = types.void(n, n, a, n, n, n, n, b, n, n, n, n, c, n, n, n, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        height, width, _, _, a_row, a_across, a_down, _, _, b_row, b_across, b_down, _, _, c_row = values[:15]
        down, across, lanes = values[15:]
        a, b, c = (start_of(context, builder, signature, values, place) for place in (2, 7, 12))
        pairs = builder.sdiv(lanes, integer(2 * LANES))

        def case(rows: int, columns: int) -> None:
            sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(columns)] for _ in range(rows)]
            for total in (total for row in sums for total in row):
                builder.store(ir.Constant(VECTOR, [0.0] * LANES), total)
            with cgutils.for_range(builder, pairs) as pair:
                lane = builder.mul(pair.index, integer(2 * LANES))
                rows_of_a = [_row(builder, a, lane, r, a_row) for r in range(rows)]
                rows_of_b = [_row(builder, b, lane, k, b_row) for k in range(columns)]
                with cgutils.for_range(builder, down) as y:
                    a_y, b_y = builder.mul(y.index, a_down), builder.mul(y.index, b_down)
                    with cgutils.for_range(builder, across) as x:
                        a_x = builder.add(a_y, builder.mul(x.index, a_across))
                        b_x = builder.add(b_y, builder.mul(x.index, b_across))
                        for beside in (integer(0), integer(LANES)):
                            a_v, b_v = builder.add(a_x, beside), builder.add(b_x, beside)
                            of_a = [load(builder, builder.gep(row, [a_v])) for row in rows_of_a]
                            of_b = [load(builder, builder.gep(row, [b_v])) for row in rows_of_b]
                            for r, row in enumerate(sums):
                                for k, total in enumerate(row):
                                    added = multiply_add(builder, of_a[r], of_b[k], builder.load(total))
                                    builder.store(added, total)
            _add_sums(builder, c, c_row, sums)

        _cases(builder, height, SUM_ROWS, width, SUM_COLUMNS, case)
        return context.get_dummy_value()

    return signature, emit


def _add_sums(builder: ir.IRBuilder, c: ir.Value, c_row: ir.Value, sums: list[list[ir.Value]]) -> None:
    """c[r, k] += the sum over the lanes of sums[r][k]; the sums of as many rows at a time as fill a vector."""
    columns = len(sums[0])
    together = max(1, LANES // columns)
    for top in range(0, len(sums), together):
        rows = sums[top : top + together]
        found = _lane_sums(builder, [builder.load(total) for row in rows for total in row])
        for r in range(len(rows)):
            start = builder.gep(c, [builder.mul(integer(top + r), c_row)])
            target = builder.bitcast(start, ir.VectorType(FLOAT, columns).as_pointer())
            of_row = builder.shuffle_vector(found, found, lanes_in([r * columns + k for k in range(columns)]))
            before = builder.load(target)
            before.align = FLOAT_BYTES
            builder.store(builder.fadd(before, of_row), target).align = FLOAT_BYTES


def _lane_sums(builder: ir.IRBuilder, vectors: list[ir.Value]) -> ir.Value:
    """A vector whose number k is the sum of the numbers of vectors[k]; there are at most `LANES` of them.

    The upper half of each is added to its lower half, then the upper quarter to the lower one, and so on. Two vectors
    share an addition: the halves of both lie in one vector. So sixteen sums cost 15 additions, not 64.
    """
    names = _places_of_sums()
    added = [vectors[name] if name < len(vectors) else ir.Constant(VECTOR, ir.Undefined) for name in names]
    for lower, upper in _HALVINGS:
        pairs = list(zip(added[::2], added[1::2], strict=True))
        halves = [[builder.shuffle_vector(*pair, lanes_in(half)) for half in (lower, upper)] for pair in pairs]
        added = [builder.fadd(*half) for half in halves]
    return added[0]


def _halving(length: int) -> tuple[list[int], list[int]]:
    """Of two vectors, the lanes of the lower halves of all their parts of so many lanes, and those of the upper ones.

    Parts of up to 128 bits stay within 128 bits, which is fastest.
    """
    group = 4 if length <= 4 else LANES
    starts = [
        vector + start + part
        for start in range(0, LANES, group)
        for vector in (0, LANES)
        for part in range(0, group, length)
    ]
    lower = [start + lane for start in starts for lane in range(length // 2)]
    return lower, [lane + length // 2 for lane in lower]


_HALVINGS = [_halving(LANES >> level) for level in range(LANES.bit_length() - 1)]


def _places_of_sums() -> list[int]:
    """Which sum each vector has to be, so that the sums come out in order."""
    labels = [[name] * LANES for name in range(LANES)]
    for lower, _ in _HALVINGS:
        labels = [[(one + other)[lane] for lane in lower] for one, other in zip(labels[::2], labels[1::2], strict=True)]
    return [labels[0].index(name) for name in range(LANES)]


def _cases(
    builder: ir.IRBuilder,
    one: ir.Value,
    ones: Sequence[int],
    other: ir.Value,
    others: Sequence[int],
    emit: Callable[[int, int], None],
) -> None:
    """Code for every pair of the sizes that two values may have, of which the one that is met runs."""
    done, base = builder.append_basic_block("done"), max(others) + 1
    cases = builder.switch(builder.add(builder.mul(one, integer(base)), other), done)
    for first in ones:
        for second in others:
            block = builder.append_basic_block(f"tile_{first}_{second}")
            cases.add_case(integer(first * base + second), block)
            builder.position_at_end(block)
            emit(first, second)
            builder.branch(done)
    builder.position_at_end(done)


def _row(builder: ir.IRBuilder, pointer: ir.Value, lane: ir.Value, row: int, stride: ir.Value) -> ir.Value:
    return builder.gep(pointer, [builder.add(lane, builder.mul(integer(row), stride))])
