"""One job compiles the engine's passes and the others wait for it, since nodes often share a home folder.

The cache has a folder for each type of processor. A job that finds it empty makes a lock folder in it, which is atomic
on every file system, and touches the lock until the passes are compiled. If nobody touches a lock, its job was killed,
and another job takes it over.
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
    """A context in which this job compiles the passes, unless another job has compiled them. It yields a function to
    call as soon as they are compiled.
    """
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
    """Take the lock, or wait until the job that holds it has compiled. Returns whether the lock was taken."""
    seen, since = 0.0, monotonic()
    while True:
        try:
            lock.mkdir()
            return True
        except FileExistsError:
            touched = _touched(lock)  # by another machine's clock, so only changes count
            if touched is not None and touched != seen:
                seen, since = touched, monotonic()
            if monotonic() - since > _DEAD_SECONDS:
                with suppress(OSError):
                    lock.rmdir()
                since = monotonic()
        except OSError:
            return False
        sleep(_BETWEEN_TRIES)
        if _touched(lock) is None and is_compiled():
            return False


def _touched(lock: Path) -> float | None:
    """When the lock was last touched; None if it is gone.

    It is opened, since a server is asked about what is opened: otherwise a client of NFS remembers a folder for half a
    minute, and a lock that is touched seems to stand still.
    """
    try:
        opened = os.open(lock, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.fstat(opened).st_mtime
    finally:
        os.close(opened)


def _touch(lock: Path, done: Event) -> None:
    while not done.wait(_TOUCH_SECONDS):
        with suppress(OSError):
            os.utime(lock)


def _nothing() -> None:
    """Do nothing, since there is no lock."""
