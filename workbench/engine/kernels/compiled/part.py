"""A part of a flat array, for loops that have to vectorise.

A slice would also work. But on a small network its reference counting costs more than the loop, and an index that Numba
cannot prove to be positive, such as `at + i`, prevents vectorisation.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import make_array, populate_array

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.untyped import NumbaType


@intrinsic
def part(_context, array, at, size):
    """array[at : at + size] of a flat, contiguous array, without reference counting: do not keep or return it."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        kind = signature.return_type
        whole, result = make_array(kind)(context, builder, values[0]), make_array(kind)(context, builder)
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        data = cgutils.pointer_add(builder, whole.data, builder.mul(values[1], itemsize), whole.data.type)
        populate_array(result, data=data, shape=[values[2]], strides=[itemsize], itemsize=itemsize, meminfo=None)
        return result._getvalue()

    return array(array, types.intp, types.intp), emit
