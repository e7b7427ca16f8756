"""Cross-entropy behind softmax, of as many examples at a time as a vector has lanes.

An example is a lane: its logits are turned from a row into a column of vectors. No number is exchanged between lanes,
no branch hangs on the data, and the sums of an example run over its classes in order, so no digit depends on the width
of the vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.elementary import exp, log
from workbench.engine.kernels.compiled.jit import inner, intrinsic
from workbench.engine.kernels.compiled.native import FLOAT, FLOAT_BYTES, INT
from workbench.engine.kernels.compiled.part import part
from workbench.engine.kernels.compiled.tile import (
    LANES,
    VECTOR,
    integer,
    load,
    some_lanes,
    spread,
    start_of,
    transposed,
    write,
    write_lanes,
)
from workbench.untyped import NumbaType

_CLASS = ir.IntType(32)  # as wide as a logit, so that both are compared in as many instructions
_CLASS_NUMBERS, _LABELS, _SOME = (ir.VectorType(kind, LANES) for kind in (_CLASS, INT, ir.IntType(1)))
_BELOW_ALL, _ZERO_VECTOR, _NONE_COUNTED, _NO_LABELS, _NO_LANE = (
    ir.Constant(FLOAT, float("-inf")),
    *(ir.Constant(kind, None) for kind in (VECTOR, _CLASS_NUMBERS, _LABELS, _SOME)),
)


def kept_by(batch: int, outputs: int) -> int:
    """How many float32 numbers `cross_entropy` keeps while it works: the turned logits, two numbers an example, and a
    square for what is turned beyond the last class.
    """
    lanes = -(-batch // LANES) * LANES
    return lanes * (outputs + 2) + LANES * LANES


@inner
def cross_entropy(z, outputs, labels, scale, kept):
    """Sum of losses and number of hits; z (batch * outputs,) <- scale * (softmax(z) - one-hot labels)."""
    count = labels.size
    lanes = (count + LANES - 1) // LANES * LANES
    owns, totals, turned = part(kept, 0, lanes), part(kept, lanes, lanes), part(kept, 2 * lanes, lanes * outputs)
    hits = 0
    for first in range(0, count, LANES):
        hits += _shifted(
            z, first * outputs, outputs, labels, first, count - first, turned, first * outputs, owns, first
        )
    for i in range(turned.size):
        turned[i] = exp(turned[i])
    for first in range(0, count, LANES):
        _shares(
            turned, first * outputs, outputs, labels, first, count - first, scale, z, first * outputs, totals, first
        )
    for i in range(totals.size):
        totals[i] = log(totals[i])
    own, whole = 0.0, 0.0
    for i in range(count):
        own += np.float64(owns[i])
        whole += np.float64(totals[i])
    return whole - own, hits


@intrinsic
def _shifted(_context, z, z_start, outputs, labels, labels_start, count, turned, turned_start, owns, owns_start):
    """turned[k, i] = z[i, k] less the largest logit of example i, for the first `LANES` examples, or `count` if that is
    less; owns[i]: the same of the true class. Returns how many examples only the true class has the largest logit of.
    """
    n = types.int64
    signature = types.int64(z, n, n, labels, n, n, turned, n, owns, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        outputs, count = values[2], values[5]
        z, labels, turned, owns = (start_of(context, builder, signature, values, place) for place in (0, 3, 6, 8))
        _turn_in(builder, z, outputs, count, turned)
        own_class = _labels(builder, labels, count)
        largest, score = (
            cgutils.alloca_once_value(builder, start) for start in (_everywhere(_BELOW_ALL), _ZERO_VECTOR)
        )
        with _by_class(builder, outputs, turned) as (k, at):
            logit, most = load(builder, at), builder.load(largest)
            above = builder.fcmp_ordered(">", most, logit)  # in this order NaN stays NaN
            builder.store(builder.select(above, most, logit), largest)
            is_own = builder.icmp_signed("==", own_class, _class(builder, k))
            builder.store(builder.select(is_own, logit, builder.load(score)), score)
        most, own, below = builder.load(largest), builder.load(score), cgutils.alloca_once_value(builder, _NONE_COUNTED)
        with _by_class(builder, outputs, turned) as (_, at):
            logit = load(builder, at)
            is_below = builder.zext(builder.fcmp_ordered("<", logit, own), _CLASS_NUMBERS)
            builder.store(builder.add(builder.load(below), is_below), below)
            write(builder, builder.fsub(logit, most), at)
        write(builder, builder.fsub(own, most), owns)
        others = _class(builder, builder.sub(outputs, integer(1)))
        hit = builder.and_(builder.icmp_signed("==", builder.load(below), others), some_lanes(builder, count))
        return builder.zext(builder.ctpop(builder.bitcast(hit, ir.IntType(LANES))), INT)

    return signature, emit


@intrinsic
def _shares(_context, turned, turned_start, outputs, labels, labels_start, count, scale, z, z_start, totals,
            totals_start):  # fmt: skip
    """z[i, k] = turned[k, i] * (scale / totals[i]), less `scale` for the true class; totals[i] = sum of turned[:, i].

    i < `LANES`, or < `count` if that is less. `turned` is overwritten.
    """
    n = types.int64
    signature = types.void(turned, n, n, labels, n, n, types.float32, z, n, totals, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        outputs, count, scale = values[2], values[5], spread(builder, values[6])
        turned, labels, z, totals = (start_of(context, builder, signature, values, place) for place in (0, 3, 7, 9))
        total = cgutils.alloca_once_value(builder, _ZERO_VECTOR)
        with _by_class(builder, outputs, turned) as (_, at):
            builder.store(builder.fadd(builder.load(total), load(builder, at)), total)
        write(builder, builder.load(total), totals)
        share, own_class = builder.fdiv(scale, builder.load(total)), _labels(builder, labels, count)
        with _by_class(builder, outputs, turned) as (k, at):
            part_of = builder.fmul(load(builder, at), share)
            is_own = builder.icmp_signed("==", own_class, _class(builder, k))
            write(builder, builder.select(is_own, builder.fsub(part_of, scale), part_of), at)
        _turn_out(builder, turned, outputs, count, z)
        return context.get_dummy_value()

    return signature, emit


@contextmanager
def _by_class(builder: ir.IRBuilder, outputs: ir.Value, turned: ir.Value) -> Iterator[tuple[ir.Value, ir.Value]]:
    """A loop over the classes: the number of each, and the address of its vector."""
    with cgutils.for_range(builder, outputs) as block:
        yield block.index, builder.gep(turned, [builder.mul(block.index, integer(LANES))])


def _turn_in(builder: ir.IRBuilder, z: ir.Value, outputs: ir.Value, count: ir.Value, turned: ir.Value) -> None:
    """turned[k, i] = z[min(i, count - 1), k], `LANES` classes at a time. The last ones may be more than there are: the
    next examples overwrite what is too much, or it stands behind all of them.
    """
    last = builder.sub(count, integer(1))
    with cgutils.for_range_slice(builder, integer(0), outputs, integer(LANES), INT) as (first, _):
        there, rows = some_lanes(builder, builder.sub(outputs, first)), []
        for i in range(LANES):
            row = builder.select(builder.icmp_signed("<", integer(i), last), integer(i), last)
            rows.append(_load_some(builder, builder.gep(z, [builder.add(builder.mul(row, outputs), first)]), there))
        for k, column in enumerate(transposed(builder, rows)):
            write(builder, column, builder.gep(turned, [builder.mul(builder.add(first, integer(k)), integer(LANES))]))


def _turn_out(builder: ir.IRBuilder, turned: ir.Value, outputs: ir.Value, count: ir.Value, z: ir.Value) -> None:
    """z[i, k] = turned[k, i] for i < count.

    Rows no longer than a vector are written as whole vectors where these stay within z. Such a row also covers the
    beginning of later ones, which are written after it. dL/dW reads these numbers at once, and a processor passes a
    store on to a load only if the store had no mask.
    """
    last_ends = builder.add(builder.mul(integer(LANES - 1), outputs), integer(LANES))
    stays_within = builder.and_(
        builder.icmp_signed("<=", last_ends, builder.mul(count, outputs)),
        builder.icmp_signed("<=", outputs, integer(LANES)),
    )
    with cgutils.for_range_slice(builder, integer(0), outputs, integer(LANES), INT) as (first, _):
        places = [builder.mul(builder.add(first, integer(k)), integer(LANES)) for k in range(LANES)]
        rows = transposed(builder, [load(builder, builder.gep(turned, [place])) for place in places])
        starts = [builder.add(builder.mul(integer(i), outputs), first) for i in range(LANES)]
        with builder.if_else(stays_within) as (whole, some):
            with whole:
                for row, start in zip(rows, starts, strict=True):
                    write(builder, row, builder.gep(z, [start]))
            with some:
                classes = some_lanes(builder, builder.sub(outputs, first))
                for i, (row, start) in enumerate(zip(rows, starts, strict=True)):
                    there = builder.select(builder.icmp_signed("<", integer(i), count), classes, _NO_LANE)
                    write_lanes(builder, row, builder.gep(z, [start]), there)


def _labels(builder: ir.IRBuilder, labels: ir.Value, count: ir.Value) -> ir.Value:
    """The labels of `LANES` examples; 0 beyond the count."""
    place = builder.bitcast(labels, _LABELS.as_pointer())
    arguments = [place, ir.Constant(ir.IntType(32), 8), some_lanes(builder, count), _NO_LABELS]
    kind = ir.FunctionType(_LABELS, [argument.type for argument in arguments])
    name = f"llvm.masked.load.v{LANES}i64.p0"
    found = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
    return builder.trunc(found, _CLASS_NUMBERS)


def _class(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    """The number of a class in every lane."""
    return spread(builder, builder.trunc(number, _CLASS))


def _load_some(builder: ir.IRBuilder, pointer: ir.Value, there: ir.Value) -> ir.Value:
    """The vector at an address; 0 in lanes that are not `there`, whose memory is not touched."""
    place = builder.bitcast(pointer, VECTOR.as_pointer())
    arguments = [place, ir.Constant(ir.IntType(32), FLOAT_BYTES), there, _ZERO_VECTOR]
    kind = ir.FunctionType(VECTOR, [argument.type for argument in arguments])
    name = f"llvm.masked.load.v{LANES}f32.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _everywhere(number: ir.Constant) -> ir.Constant:
    return ir.Constant(VECTOR, [number] * LANES)
