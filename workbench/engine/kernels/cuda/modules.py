"""Device code, compiled in threads beside the training, each text once.

Compiling takes one to four seconds a text, and every shape of network that trains in blocks has texts of its own. NVRTC
works for several threads at a time and does not hold the GIL. So texts that will be needed are asked for ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cupy

Options = tuple[str, ...]
_made: dict[tuple[str, Options], cupy.RawModule] = {}
_asked: dict[tuple[str, Options], Future[cupy.RawModule]] = {}
_compilers: list[ThreadPoolExecutor] = []  # one while texts may be asked for ahead


@contextmanager
def compiling_ahead(threads: int) -> Iterator[None]:
    """Within it, texts that are asked for are compiled in so many threads.

    At its end what has not begun is dropped, and what has is waited for: whatever follows may measure times.
    """
    compilers = ThreadPoolExecutor(threads, "nvrtc")
    _compilers.append(compilers)
    try:
        yield
    finally:
        _compilers.remove(compilers)
        _asked.clear()
        compilers.shutdown(cancel_futures=True)


def ask(text: str, options: Options = ()) -> None:
    """Have a text compiled for the current device, if there are threads for it and nobody has asked yet."""
    if _compilers and (text, options) not in _made and (text, options) not in _asked:
        _asked[text, options] = _compilers[-1].submit(_compiled, text, options, _here())


def module(text: str, options: Options = ()) -> cupy.RawModule:
    """The compiled text. Raises what the compiler raises, and tries anew the next time.

    What is needed now does not wait for what was asked for before it: if no thread has begun, it is compiled here.
    """
    if (text, options) not in _made:
        asked = _asked.pop((text, options), None)
        has_begun = asked is not None and not asked.cancel()
        _made[text, options] = asked.result() if asked and has_begun else _compiled(text, options, _here())
    return _made[text, options]


def _here() -> int:
    import cupy

    return int(cupy.cuda.runtime.getDevice())


def _compiled(text: str, options: Options, device: int) -> cupy.RawModule:
    import cupy

    with cupy.cuda.Device(device):  # a thread begins with the first one
        made = cupy.RawModule(code=text, options=options)
        made.compile()
    return made
