"""Squares of numbers that are turned while columns of zeros are left out: a nonzero column goes to the row of its rank.

See `nonzero_columns`. `ranks` holds how many nonzero columns lie before each column. Columns are written in order. A
column of zeros has the rank of the next nonzero one, which overwrites it; behind the last nonzero one anything may
stand.
"""

from __future__ import annotations

from itertools import pairwise

from llvmlite import ir
from numba import types

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.tile import (
    LANES,
    PANEL,
    VECTOR,
    data_of,
    integer,
    load,
    multiply_add,
    start_of,
    transposed,
    up_to,
    write,
)
from workbench.untyped import NumbaType

_BYTES = ir.VectorType(ir.IntType(8), LANES)


@intrinsic
def turn_pixels(_context, images, columns, rows, i, last, k, scale, shift, ranks, target, stride):
    """target[ranks[k + c], i + e] = pixel k + c of example rows[i + min(e, last)], scaled and shifted, for c, e <
    `LANES`. The next nonzero column overwrites a column of zeros, or it stands behind all.
    """
    n = types.int64
    signature = types.void(images, n, rows, n, n, n, scale, shift, ranks, target, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        _, columns, _, i, last, k, _, _, _, _, stride = values
        images, rows, scale, shift, ranks, target = (
            data_of(context, builder, signature, values, place) for place in (0, 2, 6, 7, 8, 9)
        )
        factors, added = (load(builder, builder.gep(array, [k])) for array in (scale, shift))
        read = []
        for within in up_to(builder, last):
            row = builder.load(builder.gep(rows, [builder.add(i, within)]))
            place = builder.gep(images, [builder.add(builder.mul(row, columns), k)])
            pixels = builder.load(builder.bitcast(place, _BYTES.as_pointer()))
            pixels.align = 1
            read.append(multiply_add(builder, builder.uitofp(pixels, VECTOR), factors, added))
        _write_by_rank(builder, read, builder.gep(ranks, [k]), integer(0), builder.gep(target, [i]), stride)
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def turn_block(_context, w, start, row, last, panel, ranks, k, less):
    """panel[ranks[k + c] - less, r] = w[min(r, last), c] for c, r < `LANES`: see `turn_pixels`."""
    n = types.int64
    signature = types.void(w, n, n, n, panel, ranks, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        row, last, less = values[2], values[3], values[7]
        start, ranks = (start_of(context, builder, signature, values, place) for place in (0, 5))
        panel = data_of(context, builder, signature, values, 4)
        rows = [load(builder, builder.gep(start, [builder.mul(within, row)])) for within in up_to(builder, last)]
        _write_by_rank(builder, rows, ranks, less, panel, integer(PANEL))
        return context.get_dummy_value()

    return signature, emit


def _write_by_rank(
    builder: ir.IRBuilder, rows: list[ir.Value], ranks: ir.Value, less: ir.Value, target: ir.Value, stride: ir.Value
) -> None:
    """The columns of a square of vectors, in order, each to the row of the target that is its rank less `less`."""
    for c, column in enumerate(transposed(builder, rows)):
        rank = builder.sub(builder.load(builder.gep(ranks, [integer(c)])), less)
        write(builder, column, builder.gep(target, [builder.mul(rank, stride)]))


@intrinsic
def turn_block_back(_context, turned, ranks, k, less, g, start, row, last, dark):
    """g[r, c] = turned[ranks[k + c] - less, r] for r <= last and c < `LANES`; dark[r] for a column of zeros."""
    n = types.int64
    signature = types.void(turned, ranks, n, n, g, n, n, n, dark)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        less, row, last = values[3], values[6], values[7]
        ranks, start = (start_of(context, builder, signature, values, place) for place in (1, 4))
        turned, dark = (data_of(context, builder, signature, values, place) for place in (0, 8))
        found = [builder.load(builder.gep(ranks, [integer(c)])) for c in range(LANES + 1)]
        columns = []
        for rank, following in pairwise(found):
            there = builder.gep(turned, [builder.mul(builder.sub(rank, less), integer(PANEL))])
            columns.append(load(builder, builder.select(builder.icmp_signed("<", rank, following), there, dark)))
        turned = transposed(builder, columns)
        with builder.if_else(builder.icmp_signed("==", last, integer(LANES - 1))) as (whole, some):
            with whole:
                for r, vector in enumerate(turned):
                    write(builder, vector, builder.gep(start, [builder.mul(integer(r), row)]))
            with some:
                for r, vector in enumerate(turned):
                    with builder.if_then(builder.icmp_signed("<=", integer(r), last)):
                        write(builder, vector, builder.gep(start, [builder.mul(integer(r), row)]))
        return context.get_dummy_value()

    return signature, emit
