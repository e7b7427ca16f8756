"""When a sweep is expected to end: the process that trains it keeps that in the sweep's folder for those who follow it.

The store has no estimate, and a store may be far away. Who reads the file looks for the process that wrote it, so that
nobody is told of a sweep that was killed; one on another machine cannot, and is told nothing.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, time
from types import TracebackType
from typing import Self

from workbench import files
from workbench.sweep.execution.messages import Message
from workbench.sweep.execution.process_identity import machine, start_time, still_runs
from workbench.sweep.execution.progress import TalliedPacks

EXPECTED_END_FILE = "expected-end.json"
BETWEEN_ESTIMATES = 5.0  # seconds between two writes, at least


@dataclass(frozen=True)
class _Estimate:
    """When a sweep is expected to end, in unix seconds, and the process that says so on its machine."""

    ends: float
    machine: str
    pid: int
    born: str


class ExpectedEnd:
    """Keeps the estimate in `folder` up to date by the messages of an executor, while it is entered.

    `cost` is the work of the runs that are to be trained. A file that cannot be written is left out.
    """

    def __init__(self, folder: Path, runs: int, cost: float) -> None:
        self._file = folder / EXPECTED_END_FILE
        self._tallied = TalliedPacks(runs, cost)
        self._written = monotonic() - BETWEEN_ESTIMATES
        pid = os.getpid()
        self._who = (machine(), pid, start_time(pid))

    def __enter__(self) -> Self:
        self._forget()  # what a kill left
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()

    def on_message(self, message: Message) -> None:
        """Something happened to a pack."""
        self._tallied.on_message(message)
        seconds = self._tallied.seconds_to_go()
        if seconds is not None and monotonic() - self._written >= BETWEEN_ESTIMATES:
            self._written = monotonic()
            with suppress(OSError):
                files.write(self._file, json.dumps(asdict(_Estimate(time() + seconds, *self._who))))

    def _forget(self) -> None:
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


def seconds_to_go(folder: Path) -> float | None:
    """What the process that trains the sweep with this folder expects; None if it does not say, or was wrong."""
    try:
        found = _Estimate(**json.loads((folder / EXPECTED_END_FILE).read_text(encoding="utf-8")))
        left = float(found.ends) - time()
        return left if left > 0 and still_runs(found.machine, int(found.pid), found.born) else None
    except (OSError, TypeError, ValueError):  # there is none, or it is not ours
        return None
