"""A lock on a network disk, where the system's own locks may not reach other machines, or do not exist.

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
from workbench.sweep.execution.process_identity import machine, start_time, still_runs, this_process

_SLOW_LOOK = 2 * LOOK  # a look that took longer was kept waiting by the server, which keeps the holder waiting too


@dataclass(frozen=True)
class Exclusive:
    """What one process at a time may have: the file that names its holder, its short name, and the words of a refusal,
    "SUBJECT is VERB HOLDER; ADVICE".
    """

    file: Path
    name: str
    subject: str
    verb: str
    advice: str


@dataclass(frozen=True)
class Holder:
    """What the file says: a token, its count, who it is, and the process on its machine."""

    token: str
    count: int
    words: str
    machine: str
    pid: int
    born: str


@contextmanager
def held(what: Exclusive) -> Iterator[None]:
    """Hold it. Raises BadInput with the holder if there is one.

    If another process takes it over, this one gets SIGINT, as from Ctrl-C.
    """
    pid = os.getpid()
    mine = Holder(secrets.token_hex(8), 0, this_process(), machine(), pid, start_time(pid))
    take(what, mine)
    try:
        with beating(_counting(what, mine)):
            yield
    finally:
        if (now := _read(what.file)) is None or now.token == mine.token:
            with suppress(OSError):
                what.file.unlink(missing_ok=True)


def take(
    what: Exclusive, mine: Holder, clock: Callable[[], float] = monotonic, pause: Callable[[float], None] = sleep
) -> None:
    """Create the file, as soon as a dead holder's is taken away. Raises BadInput if its holder lives."""
    file = what.file
    first = seen = _read(file)
    looked, silent, said = clock(), 0.0, False
    while not _created(file, mine):
        found, now = _read(file), clock()
        silent, looked = (silent + min(now - looked, _SLOW_LOOK) if found == seen else 0.0), now
        seen = found
        there = still_runs(found.machine, found.pid, found.born) if found else None
        who = found.words if found else "another process"
        if there or (there is None and found and first and found.count != first.count):
            raise BadInput(f"{what.subject} is {what.verb} {who}; {what.advice}")
        first = first or found
        if there is False or silent >= STALE:
            _take_away(file, found)
            continue
        if not said:
            said = True
            say(f"{what.name}: {who} holds it; waiting for up to {STALE:.0f} s, to see whether it still runs")
        pause(LOOK)


def lost_to(file: Path, mine: Holder) -> str | None:
    """Who holds it in our place; None if it is ours, or if the file cannot be read now."""
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
    """Delete the file of a dead holder, unless another process has done so and holds it by now."""
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with suppress(OSError):
        file.rename(aside)
        if _read(aside) != dead:  # it is another's: back with it
            os.link(aside, file)
    aside.unlink(missing_ok=True)


def _counting(what: Exclusive, mine: Holder) -> Callable[[], str]:
    """A heartbeat: a new count in our file. It gives a reason if another process holds it."""
    counts = count(mine.count + 1)

    def beat() -> str:
        if other := lost_to(what.file, mine):
            return (
                f"{what.subject} was taken over by {other}, because no sign of this process was seen for "
                f"{STALE:.0f} s; it stops here, and the same command goes on"
            )
        now = replace(mine, count=next(counts))
        with suppress(OSError), what.file.open("r+") as opened:
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
