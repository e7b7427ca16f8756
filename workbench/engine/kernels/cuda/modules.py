"""Device code, compiled in threads beside the training, each text once.

Compiling takes two to four seconds a text, and every shape of network that trains in blocks has texts of its own.
NVRTC works for several threads at a time and does not hold the GIL, so a text is asked for as soon as it is known.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cupy

Options = tuple[str, ...]
_asked: dict[tuple[str, Options], Future[cupy.RawModule]] = {}
_one_at_a_time = Lock()


def ask(text: str, options: Options = ()) -> Future[cupy.RawModule]:
    """Have a text compiled for the current device, if that has not been asked yet."""
    import cupy

    with _one_at_a_time:
        if (text, options) not in _asked:
            here = cupy.cuda.runtime.getDevice()
            _asked[text, options] = _compilers().submit(_compiled, text, options, here)
        return _asked[text, options]


def module(text: str, options: Options = ()) -> cupy.RawModule:
    """The compiled text. Raises what the compiler raises."""
    return ask(text, options).result()


def forget() -> None:
    """Drop what was asked for and has not begun."""
    with _one_at_a_time:
        for key, future in list(_asked.items()):
            if future.cancel():
                del _asked[key]


@cache
def _compilers() -> ThreadPoolExecutor:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    return ThreadPoolExecutor(cores, "nvrtc")


def _compiled(text: str, options: Options, device: int) -> cupy.RawModule:
    import cupy

    with cupy.cuda.Device(device):  # a thread begins with the first one
        made = cupy.RawModule(code=text, options=options)
        made.compile()
    return made
