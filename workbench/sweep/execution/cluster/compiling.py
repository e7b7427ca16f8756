"""The engine's passes are compiled by one job, and the others wait for it: homes are often shared between nodes.

The cache has a folder for each type of processor. A job that finds it empty makes a lock in it, in one step on every
file system, and touches it until the passes are compiled. A lock that nobody touches is taken over: its job was killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

_TOUCH_SECONDS, _DEAD_SECONDS = 2.0, 20.0
_BETWEEN_TRIES = 0.5


@contextmanager
def compiled_by_one() -> Iterator[Callable[[], None]]:
    """A context in which we compile the passes, unless another job has; call what it gives once they are compiled."""
    from workbench.engine.kernels.compiled.jit import cache_folder, is_compiled

    folder = cache_folder()
    if not folder or is_compiled() or not _locked(Path(folder) / "compiling", is_compiled):
        yield _nothing
        return
    lock, done = Path(folder) / "compiling", Event()
    touching = Thread(target=_touch, args=(lock, done), name="compiling", daemon=True)
    touching.start()

    def unlock() -> None:
        if not done.is_set():
            done.set()
            touching.join()
            with suppress(OSError):
                lock.rmdir()

    try:
        yield unlock
    finally:
        unlock()


def _locked(lock: Path, is_compiled: Callable[[], bool]) -> bool:
    """Whether the lock was taken; waits while another job holds it, and is False once that one has compiled."""
    seen, since = 0.0, monotonic()
    while True:
        try:
            lock.mkdir()
            return True
        except FileExistsError:
            with suppress(OSError):
                touched = os.stat(lock).st_mtime  # by the other's clock: only whether it moves counts  # noqa: PTH116
                if touched != seen:
                    seen, since = touched, monotonic()
            if monotonic() - since > _DEAD_SECONDS:
                with suppress(OSError):
                    lock.rmdir()
                since = monotonic()
        except OSError:
            return False
        sleep(_BETWEEN_TRIES)
        if not lock.exists() and is_compiled():
            return False


def _touch(lock: Path, done: Event) -> None:
    while not done.wait(_TOUCH_SECONDS):
        with suppress(OSError):
            os.utime(lock)


def _nothing() -> None:
    """Nothing is to be unlocked."""
