"""A page that renews itself while its sweep trains: written from the store alone, by a process of its own.

What that may cost the training is bounded. All that pages take of processor time is SHARE_OF_CORES of the time of all
cores since the sweep began, at most: a page waits until it costs no more than that. A process that a sweep keeps beside
itself also draws in time that nobody else wants (`in_idle_time`; the store, of which a reader holds a lock, is read at
the lowest priority instead). A person who follows a sweep waits for the page, so theirs is drawn like anything else.
Until the first one a page without figures says how many runs have ended; beside a sweep the sweep writes it.

Claims are not decided before their sweep has ended: a look at half of the seeds would spend what rules set aside.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from time import process_time, sleep, time
from typing import TYPE_CHECKING, TypeVar

from workbench.filenames import folder_of
from workbench.quantities import counted
from workbench.report.page.folder import REPORTS
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.expected_end import seconds_to_go
from workbench.sweep.execution.progress import UNKNOWN, in_words

if TYPE_CHECKING:
    from workbench.report.page.begun import Progress
    from workbench.report.page.sweep import Page
    from workbench.tracking.how_far import HowFar

PAUSE_SECONDS = 3.0  # the shortest time between two looks at the store
SHARE_OF_CORES = 0.02  # of the time of all cores, at most, that pages take of a sweep
SHARE_OF_LOOKS = 0.25  # of that, for looking whether any run has ended
START_SECONDS = 1.5  # of processor time, for starting Python and MLflow and for a first look
FIRST_SECONDS = 2.5  # of processor time, for a first page as the tour's, half of it imports
SWEEP_VARIABLE = "WORKBENCH_LIVE_PAGE_OF"  # the process id of the sweep that started this process
_LOWEST_PRIORITY = 19
_OF_THE_SESSION = Path("/proc/self/autogroup")  # Linux weighs sessions against each other before it looks at priorities
Found = TypeVar("Found")


@dataclass(frozen=True)
class Standing:
    """How far a sweep has come: how many runs have ended, and packs, each of how many; and the time to go, which is no
    reason to write the page anew.
    """

    ended: int
    runs: int
    packs_ended: int = 0
    packs: int = 0
    to_go: str = field(default=UNKNOWN, compare=False)

    def __str__(self) -> str:
        """As a terminal says it."""
        packs = f", {self.packs_ended:,} of {counted(self.packs, 'pack')}" if self.packs else ""
        to_go = "" if self.to_go == UNKNOWN else f", with about {self.to_go} to go"
        return f"{self.ended:,} of {self.runs:,} runs have ended{packs}{to_go}"


def follow(
    name: str,
    uri: str | None = None,
    folder: Path = REPORTS,
    wait: Callable[[float], object] = sleep,
    on_page: Callable[[Path, Standing], object] = lambda *_: None,
) -> Page:
    """Write the page anew when runs have ended and its share allows it, until the sweep has; then the ordinary page.

    `wait` is given the seconds to pass before the store is looked at again, `on_page` every page. Raises BadInput if
    the store cannot be read or has no sweep of that name, SystemExit if the sweep beside which it runs was killed.
    """
    from workbench.report.rebuild import rebuild
    from workbench.tracking.how_far import how_far

    drawn: Standing | None = None
    written: Standing | None = None
    budget: Budget | None = None
    while True:
        before = process_time()
        found = how_far(name, uri)
        looked = process_time() - before
        standing = _standing(found, uri)
        if not found.running:
            (page,) = rebuild([name], uri, folder)
            on_page(page.html, standing)
            return page
        budget = budget or Budget(found.began)
        if standing != drawn and budget.affords_a_page():
            with budget.page():
                on_page(_drawn(name, uri, folder, standing), standing)
            drawn = written = standing
        elif standing != written and drawn is None and not is_kept_by_its_sweep():  # else the sweep wrote it
            on_page(_begun(found, standing, folder), standing)
            written = standing
        wait(max(PAUSE_SECONDS, rest(looked, cores()) / SHARE_OF_LOOKS))
        if _sweep_was_killed():
            raise SystemExit(0)


def _standing(found: HowFar, uri: str | None) -> Standing:
    """How far it is by the store, and the time to go by the process that trains it."""
    from workbench.tracking.location import sweeps_folder

    to_go = in_words(seconds_to_go(folder_of(sweeps_folder(uri), found.name)))
    return Standing(found.ended, found.runs, found.packs_ended, found.packs, to_go)


class Budget:
    """When a page may be drawn: once it makes, with all since the page before it, no more than its share of the time.

    A page is taken to cost what the one before it did. The first one is charged with the start of Python too.
    """

    def __init__(self, began: float) -> None:
        self._since, self._spent, self._expected = began, 0.0, FIRST_SECONDS

    def affords_a_page(self) -> bool:
        """Whether a page may be drawn now."""
        return time() - self._since >= rest(process_time() - self._spent + self._expected, cores())

    @contextmanager
    def page(self) -> Iterator[None]:
        """A context in which a page is drawn."""
        before = process_time()
        yield
        self._since, self._spent = time(), process_time()
        self._expected = self._spent - before


def rest(spent: float, among: int) -> float:
    """The seconds in which `spent` seconds of processor time are SHARE_OF_CORES of the time of `among` cores."""
    return spent / (SHARE_OF_CORES * among)


def before_the_first(among: int, spent: float = 0.0) -> float:
    """The seconds that a sweep trains on `among` cores until a process that begins then may draw its first page, after
    `spent` seconds of processor time went into pages without figures.
    """
    return rest(START_SECONDS + FIRST_SECONDS + spent, among)


def in_idle_time(act: Callable[[], Found]) -> Found:
    """What `act` returns, from a thread that Linux runs only while a core has nothing else to do.

    A process that was once of that class cannot leave it, so it is a thread's alone.
    """
    found: list[Found] = []
    failed: list[BaseException] = []

    def run() -> None:
        with suppress(AttributeError, OSError):  # another system, or a container that forbids it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        try:
            found.append(act())
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=run, daemon=True)  # of which Ctrl-C does not wait for the end
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def _drawn(name: str, uri: str | None, folder: Path, standing: Standing) -> Path:
    """The page with its figures, without claims."""
    from workbench.tracking.read import load

    at = datetime.now(UTC)
    tables = load(name, uri)

    def draw() -> Path:
        from workbench.report.page import begun
        from workbench.report.page.sweep import write_live

        return write_live(tables, folder, begun.standing(_progress(standing), at)).html

    return in_idle_time(draw) if is_kept_by_its_sweep() else draw()


def _begun(found: HowFar, standing: Standing, folder: Path) -> Path:
    """The page without figures."""

    from workbench.report.page.begun import write_begun
    from workbench.report.statistics.design import STATUSES

    outcomes = {**dict.fromkeys(STATUSES, 0), **found.outcomes, "reused": found.reused}
    return write_begun(found.name, found.facts, _progress(standing, outcomes), folder, before_the_first(cores()))


def _progress(standing: Standing, outcomes: Mapping[str, int] | None = None) -> Progress:
    """The same as a page shows it."""
    from workbench.report.page.begun import Progress

    return Progress(
        standing.ended, standing.runs, outcomes or {}, to_go=standing.to_go, packs_ended=standing.packs_ended,
        all_packs=standing.packs,
    )  # fmt: skip


def _sweep_was_killed() -> bool:
    """Whether the sweep that started this process has gone without ending it."""
    sweep = os.environ.get(SWEEP_VARIABLE)
    return sweep is not None and sweep != str(os.getppid())


def is_kept_by_its_sweep() -> bool:
    """Whether a sweep started this process beside itself; else a person did."""
    return SWEEP_VARIABLE in os.environ


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
