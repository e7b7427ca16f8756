"""The heartbeats of the process that holds a sweep. Others take the sweep over if they hear none for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread, main_thread

from workbench.sweep.execution.log import warn

STALE, BEAT, LOOK = 90.0, 10.0, 1.0  # seconds without a heartbeat, between two heartbeats, and between two looks


@contextmanager
def beating(beat: Callable[[], str]) -> Iterator[None]:
    """A context in which a thread calls `beat` every BEAT seconds. It gives the reason if the sweep is lost, else "".

    A reason is told, and this process gets SIGINT, as from Ctrl-C.
    """
    ended = Event()
    thread = Thread(target=_beat_on, args=(beat, ended), name="holder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat_on(beat: Callable[[], str], ended: Event) -> None:
    while not ended.wait(BEAT):
        if reason := beat():
            warn(reason)
            signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
            return
