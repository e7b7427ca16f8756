"""The lock of a sweep on a network disk, where the system's own locks may not reach other machines, or do not exist.

The holder is a file that only one process can create, which servers of network disks decide too, and its holder writes
a new count into it every few seconds. Who finds it watches the count with his own clock, since clocks of two machines
are never compared: a count that stands still for STALE seconds belongs to a dead process, whose file is taken away. On
the same machine the process itself is looked for. A holder that finds another one in its file stops.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from time import monotonic, sleep

from workbench.engine.errors import BadInput
from workbench.sweep.execution.heartbeats import LOOK, STALE, beating
from workbench.sweep.execution.log import say
from workbench.sweep.execution.process_identity import machine, start_time, still_runs

HOLDER_FILE = "holder"
_MOUNTS = Path("/proc/self/mountinfo")
# File systems of one machine, on which its own locks are enough.
_LOCAL = (
    "ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "f2fs", "zfs", "jfs", "reiserfs", "overlay", "tmpfs", "ramfs",
    "vfat", "exfat", "ntfs3", "squashfs", "rootfs", "aufs",
)  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """What the file says: a token, its count, who it is, and the process on its machine."""

    token: str
    count: int
    words: str
    machine: str
    pid: int
    born: str


def is_shared(folder: Path) -> bool:
    """Whether a folder is on a file system that other machines may see; False where the system does not say."""
    try:
        lines = [line.split(" - ") for line in _MOUNTS.read_text("utf-8", "replace").splitlines()]
        kinds = {_unescaped(before.split()[4]): after.split()[0] for before, after in lines}
    except (OSError, ValueError, IndexError):
        return False
    place = folder.resolve()
    return next((kinds[str(one)] for one in (place, *place.parents) if str(one) in kinds), "ext4") not in _LOCAL


@contextmanager
def held(folder: Path, name: str, words: str) -> Iterator[None]:
    """Hold the sweep `name`, as a process described by `words`. Raises BadInput with the holder if there is one.

    If another process takes the sweep over, this one gets SIGINT, as from Ctrl-C.
    """
    file = folder / HOLDER_FILE
    pid = os.getpid()
    mine = Holder(secrets.token_hex(8), 0, words, machine(), pid, start_time(pid))
    take(file, name, mine)
    try:
        with beating(_counting(file, name, mine)):
            yield
    finally:
        if (now := _read(file)) is None or now.token == mine.token:
            with suppress(OSError):
                file.unlink(missing_ok=True)


def take(
    file: Path, name: str, mine: Holder, clock: Callable[[], float] = monotonic, pause: Callable[[float], None] = sleep
) -> None:
    """Create the file, as soon as a dead holder's is taken away. Raises BadInput if its holder lives."""
    first, seen, since, said = _read(file), None, clock(), False
    while not _created(file, mine):
        found = _read(file)
        if found != seen:
            seen, since = found, clock()
        there = still_runs(found.machine, found.pid, found.born) if found else None
        if there or (there is None and found and first and found.count != first.count):
            raise BadInput(
                f"name: the sweep {name} is being trained by {found.words if found else 'another process'}; wait until "
                f"it ends, stop it, or give another name= (a dead process loses the sweep after {STALE:.0f} s)"
            )
        first = first or found
        if there is False or clock() - since >= STALE:
            _take_away(file, found)
            continue
        if not said:
            said = True
            who = found.words if found else "another process"
            say(f"{name}: {who} holds it; waiting for up to {STALE:.0f} s, to see whether it still runs")
        pause(LOOK)


def lost_to(file: Path, mine: Holder) -> str | None:
    """Who holds the sweep in our place; None if it is ours, or if the file cannot be read now."""
    found = _read(file)
    return found.words if found and found.token != mine.token else None


def _created(file: Path, mine: Holder) -> bool:
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    except OSError as error:
        raise BadInput(f"{file.parent} cannot be written to ({error.strerror}); a sweep is locked there") from None
    with os.fdopen(handle, "w") as opened, suppress(OSError):  # a full disk: then it is empty, and another waits
        opened.write(json.dumps(asdict(mine)))
    return True


def _take_away(file: Path, dead: Holder | None) -> None:
    """Delete the file of a dead holder, unless another process has done so and holds the sweep by now."""
    aside = file.with_name(f".{HOLDER_FILE}.{secrets.token_hex(4)}")
    with suppress(OSError):
        file.rename(aside)
        if _read(aside) != dead:  # it is another's: back with it
            os.link(aside, file)
    aside.unlink(missing_ok=True)


def _counting(file: Path, name: str, mine: Holder) -> Callable[[], str]:
    """A heartbeat: a new count in our file. It gives a reason if another process holds the sweep."""
    counts = count(mine.count + 1)

    def beat() -> str:
        if other := lost_to(file, mine):
            return (
                f"name: the sweep {name} was taken over by {other}, because no sign of this process was seen for "
                f"{STALE:.0f} s; it stops here, and the same command goes on"
            )
        now = replace(mine, count=next(counts))
        with suppress(OSError), file.open("r+") as opened:
            opened.write(json.dumps(asdict(now)))
            opened.truncate()
        return ""

    return beat


def _read(file: Path) -> Holder | None:
    """What the file says; None if there is none, or it is empty or damaged."""
    try:
        found = Holder(**json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    kinds = {key: type(value).__name__ for key, value in asdict(found).items()}
    return found if kinds == Holder.__annotations__ else None


def _unescaped(place: str) -> str:
    """A mount point of the system's table, which writes a blank as \\040."""
    return place.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")
