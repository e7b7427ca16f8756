"""The innermost loop of every matrix product, in LLVM's vector instructions: a tile of the result stays in registers.

A product reaches the peak speed of the machine only if its sums stay in registers along the common dimension, so that a
loaded number is used many times (Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication").
Numba writes its sums back to memory at every step. So this loop, and the transposition of a block, are written in
LLVM's vector type of `LANES` numbers, which LLVM translates to the processor's instructions.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.native import FLOAT, FLOAT_BYTES, INT
from workbench.engine.vectors import processor_features
from workbench.untyped import NumbaType

_HAS = processor_features()
# Lanes of a vector register, vectors across a tile, and the heights that a tile may have. The sums of a tile fill the
# registers but for those that hold the factors: there are 32 registers with AVX-512 and on 64-bit ARM, and 16 with
# AVX2.
LANES, VECTORS, HEIGHTS = (
    (16, 3, (8, 4, 2, 1)) if _HAS.get("avx512f") else (4, 3, (8, 4, 2, 1)) if _HAS.get("neon") else (8, 2, (6, 4, 2, 1))
)
PANEL = VECTORS * LANES  # columns of the result that are computed together

_INT32 = ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, LANES)


@intrinsic
def multiply_tile(_context, height, a, a_start, a_row, a_step, b, b_start, b_row, first, first_start, first_row, c,
                  c_start, c_row, steps, width):  # fmt: skip
    """c[r, j] = first[r, j] + sum over k of a[r, k] * b[k, j], for r < height (of `HEIGHTS`) and j < width <= `PANEL`.

    All four are flat float32 arrays; a matrix begins at its `start`, and its rows are `row` numbers apart; those of `a`
    have `step` between their columns. The sum runs over k in order, one rounding a step. `b` and `first` are read in
    whole vectors: up to `LANES` - 1 numbers beyond the width must be there to be read.
    """
    n = types.int64
    signature = types.void(n, a, n, n, n, b, n, n, first, n, n, c, n, n, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        height, _, _, a_row, a_step, _, _, b_row, _, _, first_row, _, _, c_row, steps, width = values
        pointers = [start_of(context, builder, signature, values, place) for place in (1, 5, 8, 11)]
        strides = a_row, a_step, b_row, first_row, c_row
        vectors = builder.udiv(builder.add(width, integer(LANES - 1)), integer(LANES))
        is_full = builder.icmp_signed(">=", width, integer(PANEL))
        kind = builder.select(
            is_full, integer(0), vectors
        )  # 0: a full panel; else the number of vectors, the last one masked
        done = builder.append_basic_block("done")
        cases = builder.switch(builder.add(builder.mul(height, integer(VECTORS + 1)), kind), done)
        for rows in HEIGHTS:
            for which in range(VECTORS + 1):
                block = builder.append_basic_block(f"tile_{rows}_{which}")
                cases.add_case(integer(rows * (VECTORS + 1) + which), block)
                builder.position_at_end(block)
                sums = _sums(builder, rows, which or VECTORS, pointers, strides, steps)
                _store(builder, sums, pointers[3], c_row, width if which else None)
                builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def transpose_block(_context, source, start, row, last, target, target_start, target_row):
    """target[j, i] = source[min(i, last), j] for i, j < `LANES`; flat float32 arrays, rows `row` numbers apart."""
    n = types.int64
    signature = types.void(source, n, n, n, target, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        _, _, row, last, _, _, target_row = values
        start, target_start = (start_of(context, builder, signature, values, place) for place in (0, 4))
        rows = [load(builder, builder.gep(start, [builder.mul(within, row)])) for within in up_to(builder, last)]
        for j, column in enumerate(transposed(builder, rows)):
            write(builder, column, builder.gep(target_start, [builder.mul(integer(j), target_row)]))
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def copy_vectors(_context, source, start, target, target_start, vectors):
    """target[i] = source[i] for i < vectors * `LANES`, of at most `VECTORS` vectors; flat float32 arrays."""
    n = types.int64
    signature = types.void(source, n, target, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        source, target = (start_of(context, builder, signature, values, place) for place in (0, 2))
        for v in range(VECTORS):
            with builder.if_then(builder.icmp_signed("<", integer(v), values[4])):
                at = [integer(v * LANES)]
                write(builder, load(builder, builder.gep(source, at)), builder.gep(target, at))
        return context.get_dummy_value()

    return signature, emit


def _sums(
    builder: ir.IRBuilder,
    rows: int,
    vectors: int,
    pointers: list[ir.Value],
    strides: tuple[ir.Value, ...],
    steps: ir.Value,
) -> list[list[ir.Value]]:
    """The sums of a tile, [rows][vectors], after a loop over the common dimension.

    The factors of a step lie at an address to which multiples of `a_row` are added, by the instructions that load
    them. Left to itself, LLVM makes each address from the one before, and a tile of two vectors waits for eight
    additions a step.
    """
    (a, b, first, _), (a_row, a_step, b_row, first_row, _) = pointers, strides
    places = [(r, v) for r in range(rows) for v in range(vectors)]
    starts: dict[tuple[int, int], ir.Value] = {}
    for r, row in enumerate(_rows(builder, first, first_row, rows)):
        starts |= {(r, v): load(builder, builder.gep(row, [integer(v * LANES)])) for v in range(vectors)}
    apart = [builder.mul(integer(r), a_row) for r in range(rows)]
    before, loop, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    step, column_of_a, row_of_b = builder.phi(INT), builder.phi(a.type), builder.phi(b.type)
    sums = {place: builder.phi(VECTOR) for place in places}
    panel = [load(builder, builder.gep(row_of_b, [integer(v * LANES)])) for v in range(vectors)]
    column = _hidden(builder, column_of_a)
    factors = [spread(builder, builder.load(builder.gep(column, [apart[r]]))) for r in range(rows)]
    added = {(r, v): multiply_add(builder, factors[r], panel[v], sums[r, v]) for r, v in places}
    following = builder.add(step, integer(1)), builder.gep(column_of_a, [a_step]), builder.gep(row_of_b, [b_row])
    for phi, at_first, next_one in zip((step, column_of_a, row_of_b), (integer(0), a, b), following, strict=True):
        phi.add_incoming(at_first, before)
        phi.add_incoming(next_one, loop)
    for place in places:
        sums[place].add_incoming(starts[place], before)
        sums[place].add_incoming(added[place], loop)
    builder.cbranch(builder.icmp_signed("<", following[0], steps), loop, after)
    builder.position_at_end(after)
    return [[added[r, v] for v in range(vectors)] for r in range(rows)]


def _hidden(builder: ir.IRBuilder, pointer: ir.Value) -> ir.Value:
    """The same address, but LLVM cannot tell how it was made. The text of assembly must stay empty, so that it has a
    meaning for every processor.
    """
    kind = ir.FunctionType(pointer.type, [pointer.type])
    return builder.asm(kind, "", "=r,0", [pointer], False)


def _store(
    builder: ir.IRBuilder, sums: list[list[ir.Value]], c: ir.Value, c_row: ir.Value, width: ir.Value | None
) -> None:
    """Write a tile; in its last column of vectors only the lanes within `width`, if one is given."""
    for row, target_row in zip(sums, _rows(builder, c, c_row, len(sums)), strict=True):
        for v, vector in enumerate(row):
            target = builder.gep(target_row, [integer(v * LANES)])
            if width is not None and v == len(row) - 1:
                write_some(builder, vector, target, builder.sub(width, integer(v * LANES)))
            else:
                write(builder, vector, target)


def up_to(builder: ir.IRBuilder, last: ir.Value) -> list[ir.Value]:
    """min(i, last) for i < `LANES`."""
    return [builder.select(builder.icmp_signed("<", integer(i), last), integer(i), last) for i in range(LANES)]


def transposed(builder: ir.IRBuilder, rows: list[ir.Value]) -> list[ir.Value]:
    """The columns of a square of `LANES` vectors: blocks of 1, 2, 4, ... numbers change places across its diagonal."""
    rows, size = list(rows), 1
    while size < LANES:
        upper = [lane if not lane & size else LANES + lane - size for lane in range(LANES)]
        lower = [lane + size if not lane & size else LANES + lane for lane in range(LANES)]
        for i in (i for i in range(LANES) if not i & size):
            pair = rows[i], rows[i + size]
            rows[i], rows[i + size] = (builder.shuffle_vector(*pair, lanes_in(order)) for order in (upper, lower))
        size *= 2
    return rows


def start_of(
    context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value], place: int
) -> ir.Value:
    """The address of an array's first element to be used: the array at `place` of the arguments, from the start that
    follows it.
    """
    return builder.gep(data_of(context, builder, signature, values, place), [values[place + 1]])


def data_of(
    context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value], place: int
) -> ir.Value:
    """The address of the array at `place` of the arguments."""
    return cgutils.create_struct_proxy(signature.args[place])(context, builder, values[place]).data


def _rows(builder: ir.IRBuilder, pointer: ir.Value, stride: ir.Value, rows: int) -> list[ir.Value]:
    """Where so many rows begin, each made from the one before. LLVM would otherwise keep all distances in memory."""
    pointers = [_hidden(builder, pointer)]
    for _ in range(rows - 1):
        pointers.append(builder.gep(pointers[-1], [stride]))
    return pointers


def load(builder: ir.IRBuilder, pointer: ir.Value) -> ir.Value:
    """The vector at an address."""
    value = builder.load(builder.bitcast(pointer, VECTOR.as_pointer()))
    value.align = FLOAT_BYTES
    return value


def write(builder: ir.IRBuilder, value: ir.Value, pointer: ir.Value) -> None:
    """Write a vector to an address."""
    builder.store(value, builder.bitcast(pointer, VECTOR.as_pointer())).align = FLOAT_BYTES


def write_some(builder: ir.IRBuilder, value: ir.Value, pointer: ir.Value, count: ir.Value) -> None:
    """Write the first `count` lanes."""
    write_lanes(builder, value, pointer, some_lanes(builder, count))


def write_lanes(builder: ir.IRBuilder, value: ir.Value, pointer: ir.Value, there: ir.Value) -> None:
    """Write the lanes that are `there`."""
    arguments = [value, builder.bitcast(pointer, VECTOR.as_pointer()), ir.Constant(_INT32, FLOAT_BYTES), there]
    kind = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.store.v{LANES}f32.p0"), arguments)


def some_lanes(builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
    """Which lanes are among the first `count`, which 32 bits hold."""
    lanes = ir.Constant(ir.VectorType(_INT32, LANES), list(range(LANES)))
    return builder.icmp_signed("<", lanes, spread(builder, builder.trunc(count, _INT32)))


def multiply_add(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """x * y + z, rounded once where the processor can."""
    kind = ir.FunctionType(x.type, [x.type] * 3)
    name = f"llvm.fmuladd.v{x.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [x, y, z])


def spread(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    """A vector that holds the number in every lane."""
    kind = ir.VectorType(number.type, LANES)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(one, one, lanes_in([0] * LANES))


def lanes_in(order: list[int]) -> ir.Value:
    """Lanes of two vectors, in the order of a shuffle."""
    return ir.Constant(ir.VectorType(_INT32, len(order)), order)


def integer(value: int) -> ir.Value:
    """A number that is known when the code is made."""
    return ir.Constant(INT, value)
