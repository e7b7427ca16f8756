"""How everything in this room is compiled: without the GIL, cached on disk, and with NumPy's arithmetic.

`error_model="numpy"` lets divisions vectorise; "contract" allows fused multiply-add, which rounds once, and nothing
else: no sum is reordered but by `summing`. Constants are float32 values: a literal would turn the arithmetic into
double.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import extending

intrinsic: Any = extending.intrinsic  # a function that hands LLVM its instructions itself
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)


def compiled(function: Callable[..., Any], fastmath: frozenset[str] = frozenset({"contract"})) -> Any:
    """The function compiled by Numba at its first call, or read from the cache.

    Numba's cache of a function does not see that a function it calls has changed, so the folder is named by a digest of
    all sources of this room. Where no folder can be written, every process compiles anew.
    """
    settings: Any = numba.config
    folder, before = cache_folder(), settings.CACHE_DIR
    settings.CACHE_DIR = folder
    try:
        njit: Any = numba.njit
        return njit(cache=bool(folder), nogil=True, error_model="numpy", fastmath=set(fastmath))(function)
    finally:
        settings.CACHE_DIR = before


def summing(function: Callable[..., Any]) -> Any:
    """The function compiled with its sums in whatever order is fastest: for probes, and loops that the tests cover."""
    return compiled(function, frozenset({"contract", "reassoc"}))


def is_compiled() -> bool:
    """Whether the functions are in the cache."""
    return bool(cache_folder()) and any(Path(cache_folder()).rglob("*.nbc"))


@cache
def cache_folder() -> str:
    """Where compiled functions are kept from one start to the next; "" where nothing can be written."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    content = b"".join(source.read_bytes() for source in sources) + numba.__version__.encode()
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workbench" / "compiled"
    folder = place / sha256(content).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(folder) if os.access(folder, os.W_OK) else ""
