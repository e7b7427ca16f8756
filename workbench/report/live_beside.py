"""The page of a sweep that trains with `live=true`: one without figures at once, then a process that renews it.

The process is started only when its start and its first page cost no more than their share of what the sweep has
trained (`live.before_the_first`). A sweep that ends before has nothing beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from workbench import blas
from workbench.engine.errors import BadInput
from workbench.report.live import SWEEP_VARIABLE, before_the_first
from workbench.report.page.begun import write_begun
from workbench.report.page.folder import REPORTS
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.log import warn
from workbench.sweep.run_outcomes import PENDING
from workbench.sweep.store import SweepRecord

_STORE_VARIABLE = "MLFLOW_TRACKING_URI"
_END_SECONDS = 10.0


@contextmanager
def beside(sweep: SweepRecord, uri: str | None, wanted: bool) -> Iterator[None]:
    """While the block trains a sweep, its page is kept up to date, if that is `wanted`.

    Whoever does it has ended when the block has, so that nobody else writes the page by then. Where it cannot be done a
    line says so, and the sweep goes on without.
    """
    if not wanted:
        yield
        return
    _write_begun(sweep)
    page = _Renewed(sweep.name, uri)
    try:
        yield
    finally:
        page.end()


def _write_begun(sweep: SweepRecord) -> None:
    ended = sum(cell.outcome != PENDING for cell in sweep.cells)
    try:
        after = before_the_first(cores())
        facts = {**sweep.facts, "command": sweep.command}
        write_begun(sweep.name, facts, ended, len(sweep.cells), REPORTS, after)
    except (OSError, BadInput) as error:
        warn(f"live: the page cannot be written ({getattr(error, 'strerror', None) or error}); the sweep goes on")


class _Renewed:
    """Waits in a thread until a first page costs little enough, and then starts the process that renews it."""

    def __init__(self, name: str, uri: str | None) -> None:
        self._name, self._uri = name, uri
        self._over = Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._wait, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End whatever there is: the waiting, or the process."""
        self._over.set()
        self._thread.join()
        if self._process:
            _end(self._process)

    def _wait(self) -> None:
        if not self._over.wait(before_the_first(cores())):
            self._process = _started(self._name, self._uri)


def _started(name: str, uri: str | None) -> subprocess.Popen[bytes] | None:
    """The process that keeps the page up to date; None if this machine has no room for one.

    Its process group is its own, so that a terminal's Ctrl-C does not reach it, but not its session: Linux weighs
    sessions against each other before it looks at priorities.
    """
    command = [sys.executable, "-m", "workbench", "report", name, "--follow", "--quiet"]
    environment = {**os.environ, **blas.ONE_THREAD, SWEEP_VARIABLE: str(os.getpid())}
    environment |= {_STORE_VARIABLE: uri} if uri else {}  # an address may hold a password
    nowhere = subprocess.DEVNULL
    group = 0 if hasattr(os, "setpgid") else None
    try:
        return subprocess.Popen(
            command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, process_group=group
        )
    except OSError as error:
        warn(f"live: no process can be started that renews the page ({error.strerror}); it is written at the end")
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process; what it writes is written in one step."""
    with suppress(OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait(_END_SECONDS)
