"""One engine, two array libraries: the operations in which NumPy and CuPy differ.

Elementwise code calls NumPy's functions, which dispatch to CuPy for CuPy arrays. Only creating arrays, gathering rows
and copying results to the host depend on the library.
"""

from __future__ import annotations

import functools
import shutil
from itertools import cycle
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from workbench.engine.device_names import NUMBERED
from workbench.engine.errors import BadInput

Array = np.ndarray  # or a cupy.ndarray, which has the same interface
ALIGNMENT = 128  # bytes: two cache lines, and the 32 floats to which every tensor is padded
# Large arrays begin at the same offset within a page of memory. If several are read and written in step, as in an
# update, the processor mistakes a store to one for a load from another (4K aliasing) and stalls. So each begins at
# a different multiple of ALIGNMENT.
_OFFSETS = cycle(range(0, 32, 5))


@functools.cache
def cuda_is_usable() -> bool:
    """Whether CuPy is installed and finds a device."""
    try:
        import cupy

        return bool(cupy.cuda.runtime.getDeviceCount() > 0)
    except Exception:  # CuPy raises its own errors if driver or toolkit are missing
        return False


@functools.cache
def too_old_for_tf32() -> str:
    """What the current device is, if its tensor cores know no tf32, as those before Ampere; "" if they do, or if there
    is no device.
    """
    if not cuda_is_usable():
        return ""
    import cupy

    found = cupy.cuda.Device().compute_capability
    return f"a device of compute capability {found[:-1]}.{found[-1]}, before 8.0" if int(found) < 80 else ""


def resolve_device(device: str) -> str:
    """ "cpu" or "cuda" for one of `device_names.DEVICES`, of any number; "auto" is "cuda" if CuPy finds a device.

    Raises BadInput if CUDA is requested and not available.
    """
    if device == "auto":
        return "cuda" if cuda_is_usable() else "cpu"
    if device in NUMBERED:
        return resolve_device("cuda")
    if device == "cuda" and not cuda_is_usable():
        raise BadInput(
            "device: cuda was asked for, but CuPy finds no usable device; install the extra 'gpu' or use cpu"
        )
    return device


def missing_cupy() -> str:
    """One line if the machine seems to have an NVIDIA device that nothing uses because CuPy is not installed."""
    if shutil.which("nvidia-smi") and not cuda_is_usable():
        return "An NVIDIA device seems to be here, but CuPy cannot use it: install the extra 'gpu'. Using the CPU."
    return ""


def array_module(device: str) -> ModuleType:
    """The module whose arrays live on the device: numpy for "cpu", cupy for "cuda"."""
    if device == "cpu":
        return np
    import cupy

    return cupy


def module_of(array: Array) -> ModuleType:
    """The module an array of any shape belongs to: numpy or cupy."""
    if isinstance(array, np.ndarray):
        return np
    import cupy

    return cupy.get_array_module(array)


def zeros(shape: tuple[int, ...], dtype: DTypeLike, xp: ModuleType) -> Array:
    """Zeros of this shape whose first element lies on a multiple of `ALIGNMENT` bytes."""
    if xp is not np:
        return xp.zeros(shape, dtype)  # CuPy's pool aligns to 512 bytes
    count, itemsize = int(np.prod(shape)), np.dtype(dtype).itemsize
    apart = next(_OFFSETS) * ALIGNMENT
    memory = np.zeros(count * itemsize + ALIGNMENT + apart, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT + apart
    return memory[start : start + count * itemsize].view(dtype).reshape(shape)


def gather(rows: Array, index: Array, out: Array) -> None:
    """Write `rows[index]` to `out`: (examples, features), (runs, batch) -> (runs, batch, features)."""
    if isinstance(rows, np.ndarray):
        rows.take(index, axis=0, out=out, mode="clip")  # the default mode copies `out` once more
    else:
        rows.take(index, axis=0, out=out)


def to_host(array: Array) -> np.ndarray:
    """An array of any shape in the host's memory: itself if it is there, else a copy."""
    return array if isinstance(array, np.ndarray) else array.get()
