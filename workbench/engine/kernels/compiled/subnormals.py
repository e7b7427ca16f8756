"""Subnormal numbers, those below 1e-38, are taken as zero while a run trains.

A moment of a unit that gets no gradient decays from step to step until it is subnormal, and stays so: rounding keeps it
from zero. After thirty epochs of digits a twentieth of Adam's first moments were subnormal, and Adam's update took 4 to
13 times as long on an Intel Xeon. A weight of ordinary size does not change: what they add to it is lost in rounding.
"""

from __future__ import annotations

import platform

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic
from workbench.untyped import NumbaType

# Bits of the control register of SSE and AVX: results that are subnormal become zero, and so do operands. Processors of
# other kinds have another register, which is left as it is: they keep subnormal numbers.
_HAS_CONTROL = platform.machine().lower() in ("x86_64", "amd64")
FLUSHING = np.uint32(0x8040 if _HAS_CONTROL else 0)
_REGISTER = ir.IntType(32)


@intrinsic
def float_control(_context):
    """The control register of this thread; 0 where there is none."""

    def emit(_context: NumbaType, builder: ir.IRBuilder, _signature: NumbaType, _values: list[ir.Value]) -> ir.Value:
        if not _HAS_CONTROL:
            return ir.Constant(_REGISTER, 0)
        place = cgutils.alloca_once(builder, _REGISTER)
        _call(builder, "llvm.x86.sse.stmxcsr", place)
        return builder.load(place)

    return types.uint32(), emit


@intrinsic
def set_float_control(_context, value):  # noqa: ARG001
    """Write that register."""

    def emit(context: NumbaType, builder: ir.IRBuilder, _signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        if _HAS_CONTROL:
            place = cgutils.alloca_once_value(builder, values[0])
            _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), emit


def _call(builder: ir.IRBuilder, name: str, place: ir.Value) -> None:
    byte = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte]), name)
    builder.call(function, [builder.bitcast(place, byte)])
