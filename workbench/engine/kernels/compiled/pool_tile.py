"""Max pooling and the way back through it, in LLVM's vector instructions: Numba would write a choice as a branch.

Tiles of `USUAL_SIZE` are written out place by place; there are loops over the places of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise, product

from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.tile import LANES, VECTOR, integer, load, start_of, write
from workbench.untyped import NumbaType

_NO_NUMBER = math.copysign(math.nan, -1)  # with the sign that x86 processors give it
USUAL_SIZE = 2  # places of a tile along an axis


@intrinsic
def keep_largest(_context, a, a_start, target, target_start, pixel, row, size, count):
    """target[i] = the largest of a[:, :, i], or NaN if any of them is NaN; the arguments are those of `to_winners`."""
    n = types.int64
    signature = types.void(a, n, target, n, n, n, n, n)

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        a, target = (start_of(context, builder, signature, values, place) for place in (0, 2))
        pixel, row, size, count = values[4:]
        found = cgutils.alloca_once(builder, VECTOR)

        def of_usual(lane: ir.Value) -> None:
            numbers = [load(builder, builder.gep(a, [place])) for place in _places(builder, lane, row, pixel)]
            write(builder, _largest(builder, numbers), builder.gep(target, [lane]))

        def of_any(lane: ir.Value) -> None:
            _find_largest(builder, a, lane, row, pixel, size, found)
            write(builder, builder.load(found), builder.gep(target, [lane]))

        _each_vector(builder, size, count, of_usual, of_any)
        return context.get_dummy_value()

    return signature, emit


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
        found, left = (cgutils.alloca_once(builder, VECTOR) for _ in range(2))

        def of_usual(lane: ir.Value) -> None:
            places = _places(builder, lane, row, pixel)
            numbers = [load(builder, builder.gep(a, [place])) for place in places]
            builder.store(load(builder, builder.gep(upper, [lane])), left)
            largest = _largest(builder, numbers)
            for number, place in zip(numbers, places, strict=True):
                _hand_on(builder, number, largest, left, builder.gep(target, [place]))

        def of_any(lane: ir.Value) -> None:
            _find_largest(builder, a, lane, row, pixel, size, found)
            builder.store(load(builder, builder.gep(upper, [lane])), left)
            with cgutils.for_range(builder, size) as y, cgutils.for_range(builder, size) as x:
                place = _place(builder, lane, y.index, row, x.index, pixel)
                number = load(builder, builder.gep(a, [place]))
                _hand_on(builder, number, builder.load(found), left, builder.gep(target, [place]))

        _each_vector(builder, size, count, of_usual, of_any)
        return context.get_dummy_value()

    return signature, emit


def _each_vector(
    builder: ir.IRBuilder,
    size: ir.Value,
    count: ir.Value,
    of_usual: Callable[[ir.Value], None],
    of_any: Callable[[ir.Value], None],
) -> None:
    """Code for every vector of `count` numbers, given its first lane: of tiles of `USUAL_SIZE`, or of any size."""
    with builder.if_else(builder.icmp_signed("==", size, integer(USUAL_SIZE))) as branches:
        for branch, emit in zip(branches, (of_usual, of_any), strict=True):
            with branch, cgutils.for_range(builder, builder.sdiv(count, integer(LANES))) as vector:
                emit(builder.mul(vector.index, integer(LANES)))


def _places(builder: ir.IRBuilder, lane: ir.Value, row: ir.Value, pixel: ir.Value) -> list[ir.Value]:
    """The places of a tile of `USUAL_SIZE`, row by row."""
    sides = product(range(USUAL_SIZE), repeat=2)
    return [_place(builder, lane, integer(y), row, integer(x), pixel) for y, x in sides]


def _place(builder: ir.IRBuilder, lane: ir.Value, y: ir.Value, row: ir.Value, x: ir.Value, pixel: ir.Value) -> ir.Value:
    return builder.add(lane, builder.add(builder.mul(y, row), builder.mul(x, pixel)))


def _largest(builder: ir.IRBuilder, numbers: Sequence[ir.Value]) -> ir.Value:
    """The largest of a few vectors, NaN where any of them is NaN. Two are asked at once whether either is NaN."""
    largest, missing = numbers[0], None
    for number in numbers[1:]:
        largest = builder.select(builder.fcmp_ordered(">", number, largest), number, largest)
    for pair in list(pairwise(numbers))[::2]:
        either = builder.fcmp_unordered("uno", *pair)
        missing = either if missing is None else builder.or_(missing, either)
    return builder.select(missing, ir.Constant(VECTOR, [_NO_NUMBER] * LANES), largest)


def _find_largest(
    builder: ir.IRBuilder,
    a: ir.Value,
    lane: ir.Value,
    row: ir.Value,
    pixel: ir.Value,
    size: ir.Value,
    largest: ir.Value,
) -> None:
    """largest <- the largest of a tile of any size; no number stays none."""
    builder.store(load(builder, builder.gep(a, [lane])), largest)
    with cgutils.for_range(builder, size) as y, cgutils.for_range(builder, size) as x:
        number = load(builder, builder.gep(a, [_place(builder, lane, y.index, row, x.index, pixel)]))
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
