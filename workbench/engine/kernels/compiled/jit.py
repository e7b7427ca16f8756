"""How the functions of this folder are compiled: they release the GIL, are cached on disk, and use NumPy's error model.

`error_model="numpy"` lets divisions vectorise. "contract" allows fused multiply-add, which rounds once, and nothing
else: no sum is reordered (`sums.py` has the long ones). Constants are float32 values, since a literal would turn the
arithmetic into doubles.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import numba
import numpy as np
from llvmlite import binding as llvm
from numba import extending, types
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.codegen import get_host_cpu_features
from numba.core.sigutils import normalize_signature

from workbench import places
from workbench.engine.vectors import processor_features
from workbench.untyped import Compiled, NumbaSettings, NumbaType

intrinsic: Compiled = extending.intrinsic  # a function that emits LLVM instructions itself
BEFORE_ARGUMENTS = 2  # of a body as Numba compiles it: where the result and an exception would go
_OF_C = "cfunc."  # before the name of a body, the C function that calls it
IMAGES = "images"  # the file with the passes of networks of images
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)


def _fill_vectors() -> None:
    """Let loops use all of a vector of 512 bits, unless a person said what the processor has.

    LLVM keeps loops to half of it on many processors, because those ran at a lower clock while the other half was in
    use. The matrix products use all of it anyway.
    """
    settings: NumbaSettings = numba.config
    if settings.CPU_FEATURES is None and processor_features().get("avx512f"):
        settings.CPU_FEATURES = f"{get_host_cpu_features()},-prefer-256-bit"


_fill_vectors()


def compiled(function: Callable[..., object], from_python: bool = True, inline: bool = False) -> Compiled:
    """The function compiled by Numba at its first call, or read from the cache.

    Numba's cache of a function does not notice that a function it calls has changed. So the folder is named by a digest
    of all sources of this room. If no folder can be written, every process compiles again.

    A constant argument counts as any value of its type: by default, Numba compiles a function once more for each
    constant that a compiled function passes to it.

    `inline`: whether it becomes a part of the functions that call it, however long it is. A pass hands on about 200
    numbers, since every array of its buffers is seven; such a call takes 0.2 microseconds, and whether LLVM would
    spare it by itself depends on details.

    A function may neither make an array nor return one that it did not get: references to arrays are not counted.
    Counting them, at every call and every name for an array, took a quarter of a step of a small network.
    """
    njit: Compiled = numba.njit
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "no_cpython_wrapper": not from_python}
    dispatcher = njit(**options, _nrt=False, forceinline=inline)(function)
    of_types = dispatcher.get_call_template
    dispatcher.get_call_template = lambda given, named: of_types([types.unliteral(one) for one in given], named)
    if not from_python:  # Python finds no compiled form, so it calls the second of these
        dispatcher._insert = lambda *_given, **_named: None
        dispatcher._compile_for_args = _refuse
    if cache_folder():
        dispatcher._cache = _kept(function)
    return dispatcher


def inner(function: Callable[..., object]) -> Compiled:
    """The same for a function that only compiled functions call.

    It has no form for Python, which would unpack every array of its arguments: such forms take a sixth of the time that
    a network takes to compile.
    """
    return compiled(function, from_python=False)


def inlined(function: Callable[..., object], from_python: bool = False) -> Compiled:
    """The same for a function that becomes a part of those that call it: see `compiled`."""
    return compiled(function, from_python, inline=True)


def _refuse(*_given: object, **_named: object) -> None:
    raise TypeError("only compiled functions can call this one: it is declared as `inner`")


def c_function(function: Callable[..., None]) -> Compiled:
    """The function as a C function of 64-bit integers, compiled at once or read from the cache: see `entry`."""
    options = {"nopython": True, "error_model": "numpy", "fastmath": {"contract"}}
    signature = types.void(*[types.int64] * function.__code__.co_argcount)
    made: Compiled = CFunc(function, normalize_signature(signature), locals={}, options=options)
    if cache_folder():
        made._cache = _kept(function)
    made.compile()
    return made


def entry(made: Compiled) -> int:
    """The address of a C function's body. It takes `BEFORE_ARGUMENTS` addresses before the arguments.

    The C function itself only hands its arguments on to the body, in vectors. A processor waits until what the caller
    wrote number by number has reached its cache before it reads a vector of it, which takes 15 ns. Raises RuntimeError
    if Numba names bodies otherwise than it did.
    """
    body = made.native_name.removeprefix(_OF_C)
    address = int(made._library.get_pointer_to_function(body))
    if body == made.native_name or not address:
        raise RuntimeError(f"numba {numba.__version__}: {made.native_name} has no body that we can find")
    return address


def _kept(function: Callable[..., object]) -> _Kept:
    """The cache of a function, in our folder."""
    settings: NumbaSettings = numba.config
    before, settings.CACHE_DIR = settings.CACHE_DIR, cache_folder()
    try:
        return _Kept(function)
    finally:
        settings.CACHE_DIR = before


class _Kept(FunctionCache):
    """Numba's cache of a function. A full disk or a damaged file costs only another compilation."""

    def load_overload(self, *signature: NumbaType) -> Compiled:
        """The compiled form; None if it has to be compiled, which replaces a damaged file."""
        try:
            return super().load_overload(*signature)
        except Exception:  # a damaged file is read as a pickle, which may raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, *compiled: Compiled) -> None:
        """Keep a compiled form, if it can be kept."""
        with suppress(OSError):
            super().save_overload(*compiled)


def is_compiled(images: bool = False) -> bool:
    """Whether the functions of this checkout are in the cache: those of every network, or those of networks of images,
    which have further ones.
    """
    return compiled_so_far(IMAGES if images else "") > 0


def compiled_so_far(of_file: str = "") -> int:
    """How many compiled forms the cache holds for this checkout, or for one file of it; 0 if there is no cache. Numba
    keeps those of another checkout apart by the folder of their sources, though they are the same.
    """
    if not cache_folder():
        return 0
    own = _kept(is_compiled).cache_path
    return sum(1 for _ in Path(own).rglob(f"{of_file or '*'}.*nbc"))


def _processor() -> str:
    """The type of this processor, as the compiler sees it. A home may be shared by machines with different ones."""
    return f"{llvm.get_host_cpu_name()} {sorted(processor_features().items())}"


@cache
def cache_folder() -> str:
    """Where compiled functions are kept from one start to the next, one folder for each version and type of processor;
    "" if nothing can be written.
    """
    if (kept := places.cache()) is None:
        return ""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    content = b"".join(source.read_bytes() for source in sources) + numba.__version__.encode() + _processor().encode()
    folder = kept / "compiled" / sha256(content).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(folder) if os.access(folder, os.W_OK) else ""
