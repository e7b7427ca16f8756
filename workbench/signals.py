"""Signals that ask a process to end: the main process handles them, and its workers ignore them.

Ctrl-C (SIGINT) and the end of a terminal (SIGHUP) reach every process of a terminal, and SIGTERM often all processes of
a job. The main process decides. A worker ignores them from its first instruction on, and ends when the main process
has.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select

EXIT_INTERRUPTED = 130  # the exit status
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# Further signals that a cluster sends to every process of a job. The main process decides.
_OF_JOBS = [getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
_SHOW_CURSOR = b"\x1b[?25h"  # a progress display hides it


def strike_at_once() -> None:
    """From now on each of these signals ends this process, unless another handler is set.

    A KeyboardInterrupt is not enough: raised while a library is imported, it is often printed and ignored. Files are
    written atomically, so the process may end anywhere without loss.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _struck)


def _struck(number: int, frame: object) -> None:  # noqa: ARG001
    end_at_once("interrupted; the same command goes on where this one stopped")


def end_at_once(line: str) -> None:
    """End this process and its workers with one line on standard error; may be called from anywhere."""
    try:
        if processes := sys.modules.get("multiprocessing"):
            for child in processes.active_children():
                child.kill()
        with suppress(OSError, ValueError):
            if select([], [2], [], 0)[1]:  # do not block on a reader that does not read
                os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + f"{line}\n".encode())
    finally:
        os._exit(EXIT_INTERRUPTED)


@contextmanager
def held() -> Iterator[None]:
    """A context in which processes started by this thread have these signals blocked.

    They stay blocked until those processes call `leave_to_parent`. Signals to this thread are delivered afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover  (a system without masks)
        yield
        return
    from multiprocessing import resource_tracker

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [*SIGNALS, *_OF_JOBS])
    try:
        resource_tracker.ensure_running()  # a process too; Python lets signals through again once it has started
        signal.pthread_sigmask(signal.SIG_BLOCK, [*SIGNALS, *_OF_JOBS])
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_parent() -> None:
    """In a worker process: ignore these signals, and end as soon as the parent process has."""
    for number in (*SIGNALS, *_OF_JOBS):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*SIGNALS, *_OF_JOBS])
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    if parent := parent_process():
        parent.join()
        os._exit(EXIT_INTERRUPTED)
