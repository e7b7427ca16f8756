"""The lock in a sweep's folder: one process at a time trains a sweep.

The operating system releases the lock when its holder ends, however it ends, so no lock is ever stale. The file names
the holder for a process that finds it locked. Of a network disk neither is true: such locks may not reach other
machines, and a server keeps a dead machine's for a minute or more. There another file names the holder (`shared_disk`).
The package filelock cannot be used: it truncates the file whenever it tries to lock it, which would erase the holder's
name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from workbench.engine.errors import BadInput
from workbench.sweep.execution.heartbeats import STALE
from workbench.sweep.execution.mounts import is_shared
from workbench.sweep.execution.process_identity import this_process
from workbench.sweep.execution.shared_disk import Exclusive, held

try:
    import fcntl
except ImportError:  # pragma: no cover  (a system without such locks)
    fcntl = None  # type: ignore[assignment]

LOCK_FILE, HOLDER_FILE = "lock", "holder"


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Lock the sweep whose files are in `folder`. Raises BadInput, with the holder, if another process
    has locked it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BadInput(
            f"{folder} cannot be written to ({error.strerror}); a sweep keeps its checkpoints there"
        ) from None
    try:
        is_enough = not is_shared(folder) and _take(file, name)
        try:
            with nullcontext() if is_enough else held(_sweep(folder, name)):
                yield
        finally:  # only the holder may: the file names the holder
            with suppress(OSError):
                os.ftruncate(file, 0)
    finally:
        os.close(file)


def _sweep(folder: Path, name: str) -> Exclusive:
    advice = f"wait until it ends, stop it, or give another name= (a dead process loses the sweep after {STALE:.0f} s)"
    return Exclusive(folder / HOLDER_FILE, name, f"name: the sweep {name}", "being trained by", advice)


def _take(file: int, name: str) -> bool:
    """Whether the system could lock the file. Raises BadInput if another process has."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 200).decode("utf-8", "replace").strip() or "another process"
        raise BadInput(
            f"name: the sweep {name} is being trained by {holder}; wait until it ends, stop it, or give another name="
        ) from None
    except OSError:  # some network file systems know no locks
        return False
    with suppress(OSError):  # a full disk
        os.ftruncate(file, 0)
        os.pwrite(file, f"{this_process()}\n".encode(), 0)
    return True
