"""Subnormal numbers, those below 1e-38, are taken as zero while a run trains.

A moment of a unit that gets no gradient decays from step to step until it is subnormal, and stays so: rounding keeps it
from zero. After thirty epochs of digits a twentieth of Adam's first moments are subnormal, and some processors take a
hundred times as long for such a number. A weight that matters does not change: what they add to it is lost in rounding.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from workbench.engine.kernels.compiled.jit import intrinsic

# Bits of the control register of SSE and AVX: results that are subnormal become zero, and so do operands. Processors of
# other kinds take no longer for subnormal numbers, and keep them.
_HAS_CONTROL = platform.machine().lower() in ("x86_64", "amd64")
FLUSHING = 0x8040 if _HAS_CONTROL else 0
_BITS = ir.IntType(32)


@intrinsic
def float_control(_context):
    """The control register of this thread; 0 where there is none."""

    def emit(_context: Any, builder: Any, _signature: Any, _values: Any) -> Any:
        if not _HAS_CONTROL:
            return ir.Constant(_BITS, 0)
        place = cgutils.alloca_once(builder, _BITS)
        _call(builder, "llvm.x86.sse.stmxcsr", place)
        return builder.load(place)

    return types.uint32(), emit


@intrinsic
def set_float_control(_context, value):  # noqa: ARG001
    """Write that register."""

    def emit(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        if _HAS_CONTROL:
            place = cgutils.alloca_once_value(builder, values[0])
            _call(builder, "llvm.x86.sse.ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), emit


def _call(builder: Any, name: str, place: Any) -> None:
    byte = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte]), name)
    builder.call(function, [builder.bitcast(place, byte)])
