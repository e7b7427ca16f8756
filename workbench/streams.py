"""Standard input, output and error: kept open, and writing to them never raises.

A sweep that trains for hours must not end because nobody reads its output.
"""

from __future__ import annotations

import io
import os
import sys

UNREAD = 141  # the exit status of a program whose reader has gone, as `| head`: 128 + SIGPIPE, as a shell gives it
EXIT_FAILED = 1
_STREAM_NAMES = ("stdin", "stdout", "stderr")  # by file descriptor


class Lasting(io.TextIOWrapper):
    """A text stream whose writes do not raise: `fault` is the first one that failed, None before there is one."""

    fault: OSError | None = None

    def write(self, text: str) -> int:
        """Write, or lose it."""
        try:
            super().write(text)
        except OSError as error:
            self._note(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose it."""
        try:
            super().flush()
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        """What is left in the buffer must not fail once more when Python ends, so it goes nowhere."""
        self.fault = self.fault or error
        if not isinstance(error, BlockingIOError):  # that reader is only slow
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def secure() -> None:
    """Make the standard streams of this process last, and open those that were closed.

    A closed one is more than silent: the next file that is opened, a database say, gets its number, and whatever a
    library prints is written into that file.
    """
    for number, name in enumerate(_STREAM_NAMES):
        if not _is_open(number):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    for name in _STREAM_NAMES[1:]:
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Lasting):
            setattr(sys, name, lasting(stream))
            setattr(sys, f"__{name}__", getattr(sys, name))


def lasting(stream: io.TextIOWrapper) -> Lasting:
    """The same stream, which must not be used any more. What its encoding has no character for is escaped."""
    keeps = stream.errors if stream.errors == "surrogateescape" else "backslashreplace"
    how = {"encoding": stream.encoding, "line_buffering": stream.line_buffering, "write_through": stream.write_through}
    return Lasting(stream.detach(), errors=keeps, **how)  # type: ignore[arg-type]


def ended(status: int) -> int:
    """The exit status of a command that ends with `status`, once its output is flushed: whether it could be written."""
    if sys.stdout is not None:
        sys.stdout.flush()
    fault = getattr(sys.stdout, "fault", None)
    if status or fault is None:
        return status
    if isinstance(fault, BrokenPipeError):
        return UNREAD
    print(f"standard output cannot be written to ({fault.strerror})", file=sys.stderr)
    return EXIT_FAILED


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
