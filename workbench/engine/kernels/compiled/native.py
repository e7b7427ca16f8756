"""Loops that are called by their address, so that the passes are compiled once for all rules.

A rule's loop is a function whose arguments are 64-bit integers: addresses of float32 numbers, and sizes. The passes
hold its address and call it; `floats` gives the loop access to the numbers at an address.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import make_array, populate_array

from workbench.engine.kernels.compiled.jit import BEFORE_ARGUMENTS, intrinsic
from workbench.untyped import NumbaType

FLOAT_BYTES = 4
FLOAT, INT = ir.FloatType(), ir.IntType(64)


@intrinsic
def address_of(_context, array, at):
    """The address of element `at` of a flat, contiguous array."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        whole = make_array(signature.args[0])(context, builder, values[0])
        itemsize = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        offset = builder.mul(values[1], ir.Constant(INT, itemsize))
        return builder.add(builder.ptrtoint(whole.data, INT), offset)

    return types.int64(array, types.int64), emit


@intrinsic
def call(_context, address, arguments):
    """Call the loop at an address (`jit.entry`) with a tuple of integers. It returns nothing, and must raise nothing:
    nobody would see it.
    """

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        count = len(signature.args[1])
        kind = context.call_conv.get_function_type(types.none, signature.args[1])
        before = [cgutils.alloca_once(builder, place.pointee) for place in kind.args[:BEFORE_ARGUMENTS]]
        given = [builder.extract_value(values[1], number) for number in range(count)]
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), [*before, *given])
        return context.get_dummy_value()

    return types.void(types.int64, arguments), emit


@intrinsic
def fetch(_context, array, at):
    """Begin to bring the cache line of element `at` of a flat array into the cache. No number depends on it."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        whole = make_array(signature.args[0])(context, builder, values[0])
        place = builder.bitcast(builder.gep(whole.data, [values[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, *[ir.IntType(32)] * 3])
        function = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(function, [place, *(ir.Constant(ir.IntType(32), number) for number in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


def _viewed(dtype: NumbaType, itemsize: int) -> Callable[..., object]:
    def view(_context, address, size):
        def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
            kind = signature.return_type
            result = make_array(kind)(context, builder)
            data = builder.inttoptr(values[0], context.get_data_type(kind.dtype).as_pointer())
            size_of = context.get_constant(types.intp, itemsize)
            populate_array(result, data=data, shape=[values[1]], strides=[size_of], itemsize=size_of, meminfo=None)
            return result._getvalue()

        return types.Array(dtype, 1, "C")(types.int64, types.int64), emit

    return view


floats = intrinsic(_viewed(types.float32, FLOAT_BYTES))  # floats(address, size): the float32 numbers at an address
thresholds = intrinsic(_viewed(types.uint32, 4))  # thresholds(address, size): the uint32 numbers at an address
bits = thresholds  # bits(address, size): the bits of the float32 numbers at an address
pixels = intrinsic(_viewed(types.uint8, 1))  # pixels(address, size): the bytes at an address
doubles = intrinsic(_viewed(types.float64, 8))  # doubles(address, size): the float64 numbers at an address
keys = intrinsic(_viewed(types.uint64, 8))  # keys(address, size): the uint64 numbers at an address
integers = intrinsic(_viewed(types.int64, 8))  # integers(address, size): the int64 numbers at an address
