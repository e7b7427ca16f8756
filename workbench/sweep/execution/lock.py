"""The lock in a sweep's folder: one process at a time trains a sweep.

The operating system releases the lock when its holder ends, however it ends, so no lock is ever stale. The file names
the holder for a process that finds it locked. The package filelock cannot be used: it truncates the file whenever it
tries to lock it, which would erase the holder's name.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from workbench.engine.errors import BadInput
from workbench.sweep.execution.log import warn

try:
    import fcntl
except ImportError:  # pragma: no cover  (a system without such locks)
    fcntl = None  # type: ignore[assignment]

LOCK_FILE = "lock"


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
        _take(file, name)
        try:
            yield
        finally:  # only the holder may: the file names the holder
            with suppress(OSError):
                os.ftruncate(file, 0)
    finally:
        os.close(file)


def _take(file: int, name: str) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 200).decode("utf-8", "replace").strip() or "another process"
        raise BadInput(
            f"name: the sweep {name} is being trained by {holder}; wait until it ends, stop it, or give another name="
        ) from None
    except OSError as error:  # some network file systems know no locks
        warn(f"the sweep cannot be locked ({error.strerror}); make sure that it is started only once")
        return
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    with suppress(OSError):  # a full disk
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()} since {since}\n".encode(), 0)
