"""The kernel for NVIDIA devices without one: its very source compiled for the host, its plans walked launch by launch.

What this shows is everything but the device itself: the arithmetic, every index, offset, stride and transposition, the
order of the launches, the types of their arguments, barriers that not all threads reach, and, walked backwards, results
that hang on the order of the threads. What it cannot show: memory that is not there, speed, capture and replay.
"""

from __future__ import annotations

import atexit
import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.cuda import source
from workbench.engine.kernels.cuda.fused_source import FusedSource
from workbench.engine.kernels.cuda.launches import Launch, Operand, Plan, Product, gemm

from .strict_device import DeviceArray

COMPILER = shutil.which("g++")
SHIM, CHECKS = (Path(__file__).with_name(name) for name in ("cuda_on_host.hpp", "cuda_checks.cpp"))
# Before every access a call, which `cuda_checks.cpp` answers in place of the sanitizers' own libraries.
WATCHING = ("-DCHECKED", "-fsanitize=thread", "-fsanitize=signed-integer-overflow,shift,bounds")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="runs where g++ is installed, as in CI")
LETTERS = {"float32": "F", "float64": "D", "int32": "I", "uint32": "U", "int64": "L", "uint64": "K", "uint8": "B"}
ERRORS = {
    1: "no such kernel",
    2: "arguments are not the kernel's parameters",
    3: "not all threads reach a barrier",
    4: "a block writes beyond its shared memory",
}


class _Call(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint) for name in ("x", "y", "threads", "shared")), ("backwards", ctypes.c_bool),
        ("letters", ctypes.c_char_p), ("arguments", ctypes.POINTER(ctypes.c_void_p)),
        ("bytes", ctypes.POINTER(ctypes.c_size_t)),
    )  # fmt: skip


class HostMachine:
    """Runs plans on the host. `backwards`: the threads of a block take turns from the last to the first. `late`:
    products that are aside are computed when something waits for them, or when the plan ends. `checked`: every access
    of a kernel is looked at, and what a device would not forgive is an error.
    """

    def __init__(self, backwards: bool = False, late: bool = False, checked: bool = False) -> None:
        self._backwards, self.late, self._checked = backwards, late, checked
        self._text = source.text()
        self.launched: list[str] = []

    def program(self, plan: Plan) -> HostProgram:
        return HostProgram(self, plan)

    def launch(self, launch: Launch) -> None:
        """Launch one kernel."""
        self.launched.append(launch.kernel)
        _launch(_library(self._text, source.STEP_KERNELS, self._checked), launch, self._backwards)

    def multiply(self, product: Product) -> None:
        """What cublasGemmStridedBatchedEx does with the very numbers that it is given."""
        m, n, k, a, b, c = gemm(product)
        left = _columns(a, product.runs, *((k, m) if a.transposed else (m, k)))
        right = _columns(b, product.runs, *((n, k) if b.transposed else (k, n)))
        left, right = (x.swapaxes(1, 2) if o.transposed else x for x, o in ((left, a), (right, b)))
        _columns(c, product.runs, m, n)[...] = left @ right


class HostBlocks:
    """Launches the kernels of fused sources on the host, as `HostMachine` does those of plans."""

    def __init__(self, backwards: bool = False, checked: bool = False) -> None:
        self._backwards, self._checked = backwards, checked
        self.launched: list[str] = []

    def launch(self, fused: FusedSource, launch: Launch) -> None:
        """Launch one kernel of a source."""
        self.launched.append(launch.kernel)
        _launch(_library(fused.text, fused.kernels, self._checked), launch, self._backwards)


def _launch(library: ctypes.CDLL, launch: Launch, backwards: bool) -> None:
    letters, values = zip(*map(_passed, launch.arguments), strict=True)
    addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
    sizes = (ctypes.c_size_t * len(values))(*(getattr(_inside(array), "nbytes", 0) for array in launch.arguments))
    how = (launch.threads, launch.shared, backwards)
    call = _Call(*launch.blocks, *how, "".join(letters).encode(), addresses, sizes)
    status = library.launch(launch.kernel.encode(), ctypes.byref(call))
    said = ERRORS[status] if status in ERRORS else library.checks_found().decode() if status else ""
    assert status == 0, f"{launch.kernel}: {said}: {''.join(letters)}"


class HostProgram:
    def __init__(self, machine: HostMachine, plan: Plan) -> None:
        self._machine, self.plan = machine, plan

    def run(self, times: int) -> None:
        for _ in range(times):
            for part in self._in_order():
                if isinstance(part, Launch):
                    self._machine.launch(part)
                else:
                    self._machine.multiply(part)

    def _in_order(self) -> Iterator[Launch | Product]:
        aside: list[Product] = []
        for part in self.plan:
            if isinstance(part, Product) and part.aside and self._machine.late:
                aside.append(part)
                continue
            if isinstance(part, Launch) and part.waits:
                yield from aside
                aside = []
            yield part
        yield from aside


def _columns(operand: Operand, runs: int, rows: int, columns: int) -> np.ndarray:
    """A view (runs, rows, columns) of a matrix that lies column after column."""
    flat = _inside(operand.matrix.array).reshape(-1)[operand.matrix.start :]
    last = (runs - 1) * operand.matrix.stride + (columns - 1) * operand.leading + rows
    assert last <= flat.size, f"a product reaches {last - flat.size} elements beyond its array"
    strides = tuple(flat.itemsize * step for step in (operand.matrix.stride, 1, operand.leading))
    return np.lib.stride_tricks.as_strided(flat, (runs, rows, columns), strides)


def _inside(array: Any) -> Any:
    """What lies on the pretended device, where there is one."""
    inside = array._array if isinstance(array, DeviceArray) else array
    assert not isinstance(inside, np.ndarray) or inside.flags.c_contiguous
    return inside


def _passed(argument: Any) -> tuple[str, Any]:
    if isinstance(argument, int):
        return "i", ctypes.c_int(argument)
    if isinstance(argument, float):
        return "f", ctypes.c_float(argument)
    array = _inside(argument)
    return LETTERS[array.dtype.name], ctypes.c_void_p(array.ctypes.data)


@cache
def _library(text: str, kernels: tuple[str, ...], checked: bool = False) -> ctypes.CDLL:
    """The device code, compiled once a process."""
    cases = [f'if (!std::strcmp(name, "{kernel}")) return walk({kernel}, *call);' for kernel in kernels]
    entry = ['extern "C" int launch(const char* name, const Call* call) {', *cases, "return UNKNOWN_KERNEL; }"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "device.cpp").write_text("\n".join([f'#include "{SHIM.name}"', text, *entry]), encoding="utf-8")
        made = ["-shared", "-o", folder / "device.so"]
        if checked:
            _compile("-I", SHIM.parent, *WATCHING, "-c", "-o", folder / "device.o", folder / "device.cpp")
            _compile(*made, "-O2", folder / "device.o", CHECKS)  # of these two only the checks are compiled here
        else:
            _compile("-I", _precompiled(), *made, folder / "device.cpp")
        library = ctypes.CDLL(str(folder / "device.so"))
        if checked:
            library.checks_found.restype = ctypes.c_char_p
        return library


@cache
def _precompiled() -> Path:
    """A folder with the shim, compiled once a process: its headers are half of what a compilation takes."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copyfile(SHIM, folder / SHIM.name)
    _compile("-o", folder / f"{SHIM.name}.gch", folder / SHIM.name)
    return folder


def _compile(*arguments: str | Path) -> None:
    """Without optimization: the compiler would take longer than what it compiles runs."""
    options = ["-std=c++17", "-O0", "-ffp-contract=off", "-Wall", "-Werror", "-Wno-unknown-pragmas", "-fPIC"]
    command = [str(COMPILER), *options, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
