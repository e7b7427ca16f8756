"""A page that renews itself while its sweep trains: written from the store alone, by a process of its own.

What that may cost the training is bounded twice. A process of the lowest priority gets 1.4 % of a core that is busy
otherwise (Linux: weight 15 against 1,024), and it rests after each page until its processor time is no more than
SHARE_OF_CORES of what all cores did meanwhile, whatever the kernel makes of priorities. It is not one of SCHED_IDLE,
which may stand still for minutes, and it may hold a lock of the store.

Claims are not decided before their sweep has ended: a look at half of the seeds would spend what rules set aside.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import process_time, sleep
from typing import TYPE_CHECKING

from workbench.report.language.words import say
from workbench.report.page.folder import REPORTS
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.log import warn
from workbench.tracking.names import RUNNING

if TYPE_CHECKING:
    from workbench.report.page.sweep import Page

PAUSE_SECONDS = 3.0  # the shortest time between two pages
SHARE_OF_CORES = 0.02  # of the time of all cores, at most, that pages take of a sweep
_STORE_VARIABLE = "MLFLOW_TRACKING_URI"
_SWEEP_VARIABLE = "WORKBENCH_LIVE_PAGE_OF"  # the process id of the sweep that started this process
_LOWEST_PRIORITY = 19
_OF_THE_SESSION = Path("/proc/self/autogroup")  # Linux weighs sessions against each other before it looks at priorities
_END_SECONDS = 10.0


@dataclass(frozen=True)
class Standing:
    """How far a sweep has come: how many runs have ended, of how many, and whether it still trains."""

    ended: int
    runs: int
    running: bool


def follow(
    name: str,
    uri: str | None = None,
    folder: Path = REPORTS,
    wait: Callable[[float], object] = sleep,
    on_page: Callable[[Path, Standing], object] = lambda *_: None,
) -> Page:
    """Write the page anew whenever runs have ended, until the sweep has; then the ordinary page.

    `wait` is given the seconds to pass before the store is looked at again, `on_page` every page. Raises BadInput if
    the store cannot be read or has no sweep of that name, SystemExit if the sweep beside which it runs was killed.
    """
    from workbench.report.page.sweep import write_live
    from workbench.report.rebuild import rebuild
    from workbench.tracking.read import load

    shown: Standing | None = None
    before = 0.0  # so that the first rest is for starting Python too
    while True:
        tables = load(name, uri)
        standing = standing_of(tables.runs["outcome"].tolist(), tables.facts.get("outcome", ""))
        if not standing.running:
            (page,) = rebuild([name], uri, folder)
            on_page(page.html, standing)
            return page
        if standing != shown:
            page = write_live(tables, folder, say("page.live", ended=standing.ended, runs=standing.runs))
            on_page(page.html, standing)
            shown = standing
        spent = process_time()
        wait(rest(spent - before, cores()))
        before = spent
        if _sweep_was_killed():
            raise SystemExit(0)


def rest(spent: float, among: int) -> float:
    """The seconds to pass after `spent` seconds of processor time, so that they are at most SHARE_OF_CORES of the time
    of `among` cores.
    """
    return max(PAUSE_SECONDS, spent / (SHARE_OF_CORES * among))


def standing_of(outcomes: list[str], word: str) -> Standing:
    """From the outcome of every cell, and that of the sweep."""
    return Standing(sum(outcome != "pending" for outcome in outcomes), len(outcomes), word == RUNNING)


def _sweep_was_killed() -> bool:
    """Whether the sweep that started this process has gone without ending it."""
    sweep = os.environ.get(_SWEEP_VARIABLE)
    return sweep is not None and sweep != str(os.getppid())


def at_the_lowest_priority() -> None:
    """Let everything else on this machine go first."""
    if hasattr(os, "nice"):  # pragma: no branch
        with suppress(OSError):
            os.nice(_LOWEST_PRIORITY)
    if _leads_its_session() and _OF_THE_SESSION.exists():
        with suppress(OSError):
            _OF_THE_SESSION.write_text(str(_LOWEST_PRIORITY), encoding="ascii")


def _leads_its_session() -> bool:
    """Whether the session is this process's own, and not that of a person's terminal."""
    return hasattr(os, "getsid") and os.getsid(0) == os.getpid()


@contextmanager
def beside(name: str, uri: str | None, wanted: bool) -> Iterator[None]:
    """While the block trains a sweep, a process of its own keeps its page up to date, if that is `wanted`.

    It has ended when the block has, so that nobody else writes the page by then. Where it cannot be started a line says
    so, and the sweep goes on without.
    """
    process = _started(name, uri) if wanted else None
    try:
        yield
    finally:
        if process:
            _ended(process)


def _started(name: str, uri: str | None) -> subprocess.Popen[bytes] | None:
    """The process that keeps the page up to date; None if this machine has no room for one."""
    command = [sys.executable, "-m", "workbench", "report", name, "--follow", "--quiet"]
    environment = {**os.environ, _SWEEP_VARIABLE: str(os.getpid())}
    environment |= {_STORE_VARIABLE: uri} if uri else {}  # an address may hold a password
    nowhere = subprocess.DEVNULL
    try:
        return subprocess.Popen(
            command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
        )
    except OSError as error:
        warn(f"live: no process can be started that renews the page ({error.strerror}); it is written at the end")
        return None


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End a process; what it writes is written in one step."""
    with suppress(OSError, subprocess.TimeoutExpired):
        process.kill()
        process.wait(_END_SECONDS)
