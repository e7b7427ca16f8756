"""Pages that a process of their own writes while the next sweep trains: `workbench reproduce` has many sweeps, and runs
them one at a time where it has no lanes.

Drawing a page keeps one core busy, and the others wait for it. The process writes one page after the other, from the
store alone, as `workbench report` does, in what training leaves idle: the cores that wait while a sweep is planned or
analysed. Nothing of it runs while times are taken (`settle`).
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context

from workbench import blas
from workbench.engine.errors import BadInput
from workbench.engine.training.workers import without_main_module
from workbench.filenames import folder_of
from workbench.measure.own_rows import bring_own_rows
from workbench.redaction import remember
from workbench.report.page.folder import REPORTS, stem
from workbench.report.page.sweep import Page
from workbench.report.rebuild import rebuild
from workbench.signals import held, leave_to_parent
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.log import logged, note, redirect, say, warn
from workbench.sweep.store import Store
from workbench.tracking.location import sweeps_folder

# By so much the process stands behind: a tenth of a core that training wants as well. It is not the lowest priority,
# as `settle` waits for it, however busy others keep the machine.
BEHIND_TRAINING = 10


@dataclass(frozen=True)
class _Answer:
    """The page, or None and why there is none; `lines` of the process are printed here, each with whether it is a
    failure.
    """

    page: Page | None
    lines: tuple[tuple[str, bool], ...]
    trace: str = ""


class PagesBeside:
    """Writes pages beside what this process does. `failed` are the sweeps whose page could not be written."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self.last = False  # whether no further sweep follows: a page then has nothing to be written beside
        self._process: ProcessPoolExecutor | None = None
        self._waiting: list[tuple[Store, str, str | None, Future[_Answer]]] = []

    def take(self, store: Store, name: str, uri: str | None) -> Page | None:
        """The page of a sweep that has ended, which will be written; None if that has to be done here and now."""
        self.collect()
        if self._process is None and (self.last or cores() == 1):
            return None
        try:
            answer = self._started().submit(_written, name, uri)
        except (OSError, BrokenProcessPool):  # this machine has no room for another process
            self._end()
            return None
        self._waiting.append((store, name, uri, answer))
        file = REPORTS / stem(name, REPORTS)
        return Page(file.with_name(f"{file.name}.html"), file.with_name(f"{file.name}.json"), file)

    def collect(self, wait: bool = False) -> None:
        """Keep the pages that have been written with their sweeps; with `wait` all of them."""
        while self._waiting and (wait or self._waiting[0][-1].done()):
            store, name, uri, asked = self._waiting.pop(0)
            with logged(folder_of(sweeps_folder(uri), name)):
                self._keep(store, name, _answer_of(asked, name, uri))

    def close(self) -> None:
        """Wait for every page, and end the process."""
        try:
            self.collect(wait=True)
        finally:
            self._end()

    def _keep(self, store: Store, name: str, answer: _Answer) -> None:
        for line, is_failure in answer.lines:
            (warn if is_failure else say)(line)
        try:
            if answer.page:
                store.attach(answer.page.files)
        except Exception as error:
            warn(unwritten(error))
            answer = _Answer(None, (), traceback.format_exc())
        if answer.page is None:
            note(answer.trace)
            self.failed.add(name)

    def _started(self) -> ProcessPoolExecutor:
        if self._process is None:
            self._process = ProcessPoolExecutor(1, get_context("spawn"), _begin)
            with held(), without_main_module(), blas.one_thread_in_new_processes():
                self._process.submit(_nothing)  # starts it
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.shutdown()
        self._process = None


_current: PagesBeside | None = None


@contextmanager
def pages_beside() -> Iterator[PagesBeside]:
    """A context in which pages are written beside what follows them. At its end all of them are there."""
    global _current
    before, _current = _current, PagesBeside()
    try:
        yield _current
    finally:
        try:
            _current.close()
        finally:
            _current = before


def promised(store: Store, name: str, uri: str | None) -> Page | None:
    """The page of a sweep that has ended, if it is written beside what follows; None: whoever asks has to write it."""
    return _current.take(store, name, uri) if _current else None


def settle() -> None:
    """Wait for all pages: nothing else may run while times are taken."""
    if _current:
        _current.collect(wait=True)


def unwritten(error: Exception) -> str:
    """What a person reads if a page could not be written."""
    reason = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
    return f"the page could not be written: {reason.splitlines()[0]}; the runs are kept, the same command writes it"


def _answer_of(asked: Future[_Answer], name: str, uri: str | None) -> _Answer:
    try:
        return asked.result()
    except BrokenProcessPool:  # killed, most likely for memory; alone it may fit
        return _attempt(name, uri)


def _begin() -> None:
    leave_to_parent()
    if hasattr(os, "nice"):  # pragma: no branch
        with suppress(OSError):
            os.nice(BEHIND_TRAINING)


def _nothing() -> None:
    """Does nothing."""


def _written(name: str, uri: str | None) -> _Answer:
    """In the process: the page of a sweep."""
    lines: list[tuple[str, bool]] = []
    redirect(lambda line, failure: lines.append((line, failure)))
    remember(uri or "")
    answer = _attempt(name, uri)
    return _Answer(answer.page, (*lines, *answer.lines), answer.trace)


def _attempt(name: str, uri: str | None) -> _Answer:
    try:
        bring_own_rows()  # pages show what they bring: metrics, settings, units
        (page,) = rebuild([name], uri, REPORTS)
    except Exception as error:
        return _Answer(None, ((unwritten(error), True),), traceback.format_exc())
    return _Answer(page, ())
