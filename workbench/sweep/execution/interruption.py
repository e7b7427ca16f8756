"""Ctrl-C in two steps: after the first, the current epoch finishes and is kept; the second quits at once.

SIGTERM and the end of the terminal (SIGHUP) do the same. Python runs a signal handler only between two bytecodes of the
main thread, which may be waiting for an epoch to end. So a thread reads the signals from a wakeup file descriptor.

A process that leaves signals to its parent (`signals.leave_to_parent`) is asked by it instead: `ask`.
"""

from __future__ import annotations

import signal
import socket
import threading
from types import TracebackType
from typing import Self

from workbench.signals import EXIT_INTERRUPTED, SIGNALS, end_at_once
from workbench.sweep.execution.log import note, say

__all__ = ["EXIT_INTERRUPTED", "SIGNALS", "Interruption"]

STOPPED_AT_ONCE = "stopped at once; the same command goes on from the last checkpoints"

_current: Interruption | None = None


def ask() -> bool:
    """Ask the context of this process to stop, without a signal and without a word. False if there is none."""
    if _current is None:
        return False
    _current.asked = True
    return True


class Interruption:
    """A context in which these signals are only recorded; `asked` is true after the first."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}
        self._listener: threading.Thread | None = None

    def __enter__(self) -> Self:
        global _current
        self._outer, _current = _current, self
        if threading.current_thread() is not threading.main_thread():
            return self  # only the main thread may set handlers
        self._signals, self._wakeup = socket.socketpair()
        self._wakeup.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                self._before[number] = signal.signal(number, _nothing)
        self._listener = threading.Thread(target=self._listen, name="interruption", daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _current
        _current = self._outer
        if self._listener is None:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._wakeup_before)
        self._wakeup.close()
        self._listener.join()
        self._signals.close()

    def _listen(self) -> None:
        while number := self._signals.recv(1):
            if number[0] in self._before:
                self._on_signal()

    def _on_signal(self) -> None:
        if self.asked:
            note(STOPPED_AT_ONCE)
            end_at_once(STOPPED_AT_ONCE)
        self.asked = True
        say("stopping after this epoch; once more stops at once")


def _nothing(number: int, frame: object) -> None:
    """Does nothing. A handler must exist for the signal to reach the wakeup file descriptor."""
