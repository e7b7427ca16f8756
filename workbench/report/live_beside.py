"""The page of a sweep that trains with `live=true`: one without figures at once, then a process that renews it.

Until it is started, the sweep's own process writes the page without figures anew as packs go on and end: milliseconds,
of which it takes its share. The other process is started only when its start and its first page cost no more than their
share of what the sweep has trained (`live.before_the_first`). A sweep that ends before has none beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import TIMEOUT_MAX, Event, Thread
from time import monotonic, thread_time

from workbench import blas
from workbench.engine.errors import BadInput
from workbench.report.live import SWEEP_VARIABLE, before_the_first, rest
from workbench.report.page.begun import write_begun
from workbench.report.page.folder import REPORTS
from workbench.report.training_progress import TrainingProgress
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.log import warn
from workbench.sweep.execution.messages import Message
from workbench.sweep.execution.sweep_training import Listener
from workbench.sweep.planning.plan import Plan
from workbench.sweep.store import SweepRecord

_STORE_VARIABLE = "MLFLOW_TRACKING_URI"
_END_SECONDS = 10.0
SHORTEST_PAUSE = 1.0  # seconds between two pages without figures, at least
SHARE_OF_RENEWALS = 0.25  # of the share that pages may take, for those without figures


@contextmanager
def beside(sweep: SweepRecord, work: Plan, uri: str | None, wanted: bool) -> Iterator[Listener]:
    """While the block trains a sweep, its page is kept up to date, if that is `wanted`, by the messages it is given.

    Whoever does it has ended when the block has, so that nobody else writes the page by then. Where it cannot be done a
    line says so, and the sweep goes on without.
    """
    if not wanted:
        yield lambda _: None
        return
    page = _Renewed(sweep, work, uri)
    try:
        yield page.on_message
    finally:
        page.end()


class _Renewed:
    """Writes the page without figures from a thread, until a first page with figures costs little enough; then it
    starts the process that draws those.

    What the thread takes of processor time is its share of all cores' time, at most, and the process waits for it too.
    """

    def __init__(self, sweep: SweepRecord, work: Plan, uri: str | None) -> None:
        self._name, self._uri = sweep.name, uri
        self._facts = {**sweep.facts, "command": sweep.command}
        self._progress = TrainingProgress(sweep.cells, work)
        self._over, self._changed = Event(), Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._began, self._spent, self._tried = monotonic(), 0.0, False
        self._writes = self._written()  # false once it cannot be: nobody is told of it twice
        self._thread = Thread(target=self._renew, daemon=True)
        self._thread.start()

    def on_message(self, message: Message) -> None:
        """Something happened to a pack."""
        self._progress.on_message(message)
        self._changed.set()

    def end(self) -> None:
        """End whatever there is: the writing, or the process."""
        self._over.set()
        self._changed.set()
        self._thread.join()
        if self._process:
            _end(self._process)

    def _renew(self) -> None:
        pause = 0.0
        while not self._over.wait(min(pause, self._until_the_process())):
            if self._until_the_process() <= 0:
                self._tried, self._process = True, _started(self._name, self._uri)
                if self._process:
                    return
            self._changed.wait(self._until_the_process())
            if self._changed.is_set() and not self._over.is_set():
                self._changed.clear()
                pause = self._renewed()

    def _until_the_process(self) -> float:
        """The seconds until the process may be started; without end if it cannot be."""
        if self._tried:
            return TIMEOUT_MAX
        return max(0.0, self._began + before_the_first(cores(), self._spent) - monotonic())

    def _renewed(self) -> float:
        """Write the page, and return the seconds to pass before it is written again."""
        before = thread_time()
        self._writes = self._writes and self._written()
        took = thread_time() - before
        self._spent += took
        return max(SHORTEST_PAUSE, rest(took, cores()) / SHARE_OF_RENEWALS)

    def _written(self) -> bool:
        """Whether the page could be written; a line says why not."""
        try:
            write_begun(self._name, self._facts, self._progress.now(), REPORTS, before_the_first(cores(), self._spent))
        except (OSError, BadInput) as error:
            warn(f"live: the page cannot be written ({getattr(error, 'strerror', None) or error}); the sweep goes on")
            return False
        return True


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
