"""Where threads wait for each other within compiled code: each spins, and after a while lets other threads run."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np
from llvmlite import ir
from numba import types

from workbench.engine.backend import zeros
from workbench.engine.kernels.compiled.jit import inner, intrinsic
from workbench.engine.kernels.compiled.native import INT
from workbench.untyped import NumbaType

_COUNTS_APART = 16  # int64 numbers: the two lie on cache lines of their own
_ALIGNED = 8  # bytes
_TURNS_UNTIL_REST = 1000  # turns of the loop, some microseconds


def new_meeting() -> np.ndarray:
    """A place to meet, (32,) int64: how many have arrived, and how often all have met."""
    return zeros((2 * _COUNTS_APART,), np.int64, np)


@cache
def rest() -> int:
    """The address of a function that lets another thread have this core."""
    return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0


@inner
def meet(meeting, threads, rest):
    """Wait until all threads are here. What each wrote before is there for all to read."""
    met = _met(meeting)
    if _arrive(meeting) == threads - 1:
        _go_on(meeting, met + 1)
        return
    turns = 0
    while _met(meeting) == met:
        turns += 1
        if turns > _TURNS_UNTIL_REST:
            _call(rest)


@intrinsic
def _call(_context, address):  # noqa: ARG001
    """Call a function of the C library that takes nothing."""

    def emit(context: NumbaType, builder: ir.IRBuilder, _signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        builder.call(builder.inttoptr(values[0], ir.FunctionType(ir.IntType(32), []).as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), emit


@intrinsic
def _arrive(_context, meeting):
    """Count one more; how many were here before."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        return builder.atomic_rmw(
            "add", _number(context, builder, signature, values, 0), ir.Constant(INT, 1), "acq_rel"
        )

    return types.int64(meeting), emit


@intrinsic
def _met(_context, meeting):
    """How often all have met."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        return builder.load_atomic(_number(context, builder, signature, values, _COUNTS_APART), "acquire", _ALIGNED)

    return types.int64(meeting), emit


@intrinsic
def _go_on(_context, meeting, met):
    """Nobody has arrived at the next meeting; let those who wait go on."""

    def emit(context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value]) -> ir.Value:
        nobody = _number(context, builder, signature, values, 0)
        builder.store_atomic(ir.Constant(INT, 0), nobody, "monotonic", _ALIGNED)
        builder.store_atomic(
            values[1], _number(context, builder, signature, values, _COUNTS_APART), "release", _ALIGNED
        )
        return context.get_dummy_value()

    return types.void(meeting, met), emit


def _number(
    context: NumbaType, builder: ir.IRBuilder, signature: NumbaType, values: list[ir.Value], place: int
) -> ir.Value:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [ir.Constant(INT, place)])
