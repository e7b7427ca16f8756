"""The messages of a job, as lines of JSON in a file of the shared folder. The job appends, the command reads.

Since messages pass through files, job and command need not run at the same time, nor have a network connection. The
file is opened anew for each read and write: network file systems only promise that a file which is opened after a write
was closed shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import Event, Lock, Thread
from time import sleep
from typing import Self

from workbench.sweep.execution.messages import (
    EpochDone,
    PackDone,
    PackResumed,
    PackRetried,
    PackStarted,
    PackStopped,
    PrintedLine,
)

_BETWEEN_WRITES = 1.0  # seconds
_LAST_TRIES = 10  # to write the last messages, if the disk is full


@dataclass(frozen=True)
class JobBegan:
    """A job has begun, for the first time or after a requeue: its number, node and cores, and its `numerics`, on which
    last digits depend.
    """

    job: str
    node: str
    cores: int
    numerics: str


@dataclass(frozen=True)
class JobOver:
    """Every pack of the job has ended."""


Entry = PackStarted | PackResumed | EpochDone | PackRetried | PackStopped | PackDone | PrintedLine | JobBegan | JobOver
_JSON_KINDS = ("str", "int", "float", "bool")
_MESSAGE_KINDS: dict[str, Callable[..., Entry]] = {
    kind.__name__: kind
    for kind in (
        PackStarted, PackResumed, EpochDone, PackRetried, PackStopped, PackDone, PrintedLine, JobBegan, JobOver,
    )
}  # fmt: skip


class MessageLog:
    """The file of one job's messages, for its writer: a context in which a thread writes waiting messages."""

    def __init__(self, file: Path) -> None:
        self._file, self._unwritten = file, b"\n"  # the last line of a start that was killed may be cut off
        self._lock, self._closed = Lock(), Event()
        self._thread = Thread(target=self._write_now_and_then, name="messages", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        for _try in range(_LAST_TRIES):
            if self.flush():
                return
            sleep(_BETWEEN_WRITES)

    def write(self, entry: Entry) -> None:
        """Append a message: an epoch's soon, any other at once. If the disk is full, it is written later."""
        plain = {"kind": type(entry).__name__, **asdict(entry)}
        plain.pop("outcome", None)  # it is large, and the checkpoint holds it
        with self._lock:
            self._unwritten += json.dumps(plain).encode() + b"\n"
        if not isinstance(entry, EpochDone):
            self.flush()

    def flush(self) -> bool:
        """Write what is waiting; whether that was possible. A full disk may take a part: it is not written again."""
        with self._lock:
            try:
                if self._unwritten:
                    with self._file.open("ab", buffering=0) as target:
                        while self._unwritten:
                            self._unwritten = self._unwritten[target.write(self._unwritten) :]
            except OSError:
                return False
        return True

    def _write_now_and_then(self) -> None:
        while not self._closed.wait(_BETWEEN_WRITES):
            self.flush()


class LogReader:
    """The same file for its reader, which returns each message once."""

    def __init__(self, file: Path) -> None:
        self._file, self._read = file, 0

    def news(self) -> list[Entry]:
        """The messages since the last call; none while the file does not exist."""
        try:
            with self._file.open("rb") as source:
                source.seek(self._read)
                text = source.read()
        except OSError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        return [entry for line in whole.splitlines() if (entry := _entry(line)) is not None]


def _entry(line: bytes) -> Entry | None:
    """The message of a line; None if the line is empty or incomplete, as after a full disk."""
    try:
        plain = json.loads(line)
        entry: Entry = _MESSAGE_KINDS[plain.pop("kind")](**plain)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return entry if all(_is_whole(getattr(entry, one.name), str(one.type)) for one in fields(entry)) else None


def _is_whole(value: object, kind: str) -> bool:
    """Whether a field has the type that its class declares; a whole number is a number too."""
    return type(value).__name__ == kind or (kind, type(value)) == ("float", int) or kind not in _JSON_KINDS
