"""Sums of many numbers, in an order that no processor decides.

Element i of an array is added to partial sum i mod `PARTIAL_SUMS`, and the partial sums are added in halves: the first
half to the second, and so on. If the order were left to the compiler, it would be that of the processor's vectors, and
the last digits of a run would depend on their width.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.engine.kernels.compiled.native import FLOAT, FLOAT_BYTES, INT
from workbench.engine.kernels.compiled.tile import integer, lanes_in, multiply_add
from workbench.untyped import NumbaType

_LANES_SUMMED, _VECTORS_SUMMED = 16, 4
PARTIAL_SUMS = _LANES_SUMMED * _VECTORS_SUMMED
_SIXTEEN = ir.VectorType(FLOAT, _LANES_SUMMED)
_NO_NUMBERS = ir.Constant(_SIXTEEN, [0.0] * _LANES_SUMMED)

# (offset of 16 numbers, which of them there are, their partial sums) -> the partial sums with these numbers in them. A
# number that is not there counts as 0.
Term = Callable[[ir.Value, ir.Value, ir.Value], ir.Value]


@intrinsic
def total(_context, x):
    """The sum of x, a flat float32 array."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        start, size = _array(context, builder, signature, values, 0)
        return _summed(builder, size, lambda at, there, sums: builder.fadd(sums, _read(builder, start, at, there)))

    return types.float32(x), emit


@intrinsic
def total_of_squares(_context, x, centre):  # noqa: ARG001 - Numba finds arguments by their names
    """The sum of (x - centre)^2; x is a flat float32 array."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        start, size = _array(context, builder, signature, values, 0)
        one = builder.insert_element(ir.Constant(_SIXTEEN, ir.Undefined), values[1], ir.Constant(ir.IntType(32), 0))
        everywhere = builder.shuffle_vector(one, one, lanes_in([0] * _LANES_SUMMED))

        def squares(at: ir.Value, there: ir.Value, sums: ir.Value) -> ir.Value:
            apart = builder.select(there, builder.fsub(_read(builder, start, at, there), everywhere), _NO_NUMBERS)
            return multiply_add(builder, apart, apart, sums)

        return _summed(builder, size, squares)

    return types.float32(x, types.float32), emit


@intrinsic
def total_of_squared_differences(_context, x, y):
    """The sum of (x - y)^2; x and y are flat float32 arrays of one size."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        (start, size), (other, _) = (_array(context, builder, signature, values, place) for place in (0, 1))

        def squares(at: ir.Value, there: ir.Value, sums: ir.Value) -> ir.Value:
            apart = builder.fsub(_read(builder, start, at, there), _read(builder, other, at, there))
            return multiply_add(builder, apart, apart, sums)

        return _summed(builder, size, squares)

    return types.float32(x, y), emit


def _array(
    context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value], place: int
) -> tuple[ir.Value, ir.Value]:
    """The address and the size of the array at that place of the arguments."""
    array = cgutils.create_struct_proxy(signature.args[place])(context, builder, values[place])
    return array.data, array.nitems


def _summed(builder: ir.IRBuilder, size: ir.Value, term: Term) -> ir.Value:
    sums = [cgutils.alloca_once_value(builder, _NO_NUMBERS) for _ in range(_VECTORS_SUMMED)]
    everything = ir.Constant(ir.VectorType(ir.IntType(1), _LANES_SUMMED), [1] * _LANES_SUMMED)
    whole = builder.sdiv(size, integer(PARTIAL_SUMS))
    with cgutils.for_range(builder, whole) as block:
        _add(builder, builder.mul(block.index, integer(PARTIAL_SUMS)), lambda _at: everything, term, sums)
    done = builder.mul(whole, integer(PARTIAL_SUMS))
    with builder.if_then(builder.icmp_signed("<", done, size)):
        _add(builder, done, lambda at: _within(builder, builder.sub(size, at)), term, sums)
    first, second, third, fourth = (builder.load(partial) for partial in sums)
    return _in_halves(builder, builder.fadd(builder.fadd(first, third), builder.fadd(second, fourth)))


def _add(
    builder: ir.IRBuilder, start: ir.Value, there: Callable[[ir.Value], ir.Value], term: Term, sums: list[ir.Value]
) -> None:
    for number, partial in enumerate(sums):
        at = builder.add(start, integer(number * _LANES_SUMMED))
        builder.store(term(at, there(at), builder.load(partial)), partial)


def _within(builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
    """Which of 16 lanes are among the first `count`."""
    lanes = ir.Constant(ir.VectorType(INT, _LANES_SUMMED), list(range(_LANES_SUMMED)))
    one = builder.insert_element(ir.Constant(lanes.type, ir.Undefined), count, ir.Constant(ir.IntType(32), 0))
    return builder.icmp_signed("<", lanes, builder.shuffle_vector(one, one, lanes_in([0] * _LANES_SUMMED)))


def _read(builder: ir.IRBuilder, start: ir.Value, at: ir.Value, there: ir.Value) -> ir.Value:
    """16 numbers from `at` on; 0 for those that are not there, whose memory is not touched."""
    place = builder.bitcast(builder.gep(start, [at]), _SIXTEEN.as_pointer())
    if isinstance(there, ir.Constant):
        value = builder.load(place)
        value.align = FLOAT_BYTES
        return value
    arguments = [place, ir.Constant(ir.IntType(32), FLOAT_BYTES), there, _NO_NUMBERS]
    kind = ir.FunctionType(_SIXTEEN, [argument.type for argument in arguments])
    name = f"llvm.masked.load.v{_LANES_SUMMED}f32.p0"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def _in_halves(builder: ir.IRBuilder, vector: ir.Value) -> ir.Value:
    """The sum of the lanes, as the sum of halves of halves."""
    size = _LANES_SUMMED // 2
    while size:
        upper = builder.shuffle_vector(vector, vector, lanes_in([*range(size, 2 * size), *range(_LANES_SUMMED - size)]))
        vector = builder.fadd(vector, upper)
        size //= 2
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))
