"""One process at a time writes to an SQLite store on a disk without locks that reach all machines.

There SQLite would let two machines write at once, which loses what one of them wrote or damages the store. Even a
reader would: it takes the journal of another machine's write for that of a dead process, and undoes the write. So a
file beside the store names the process that writes, and all others read a copy (`database.readable`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from workbench.sweep.execution.heartbeats import STALE
from workbench.sweep.execution.log import say
from workbench.sweep.execution.mounts import locks_reach_all
from workbench.sweep.execution.shared_disk import Exclusive, held
from workbench.tracking.location import locate

_HELD: set[Path] = set()  # the stores that this process alone writes to now


@contextmanager
def written_alone(uri: str | None) -> Iterator[None]:
    """A context to write to a store in. Raises BadInput, with the holder, if another process must not be disturbed."""
    location = locate(uri)
    file = location.file
    if file is None or locks_reach_all(file.parent):
        yield
        return
    reason = "its disk is mounted without locks that reach other machines"
    advice = (
        f"{reason}, so one process at a time may write; wait until it ends, or mount the disk with locks, as NFS 4 has "
        f"them (a dead process loses the store after {STALE:.0f} s)"
    )
    subject = f"tracking.uri: the store {location.shown}"
    with suppress(OSError):  # then it is said that the file cannot be made
        file.parent.mkdir(parents=True, exist_ok=True)
    store = file.resolve()
    with held(Exclusive(Path(f"{store}.holder"), location.shown, subject, "being written to by", advice)):
        _warn_once(subject)
        _HELD.add(store)
        try:
            yield
        finally:
            _HELD.discard(store)


@lru_cache(maxsize=16)
def _warn_once(subject: str) -> None:
    say(
        f"{subject} is on a disk without locks that reach other machines; until this ends open it with workbench "
        f"alone, since mlflow on another machine could damage it"
    )


def may_be_opened(file: Path) -> bool:
    """Whether SQLite may open the database: others that write see its locks, or this process alone writes."""
    return locks_reach_all(file.parent) or file.resolve() in _HELD
