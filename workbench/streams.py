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
        """Write the text. If that fails, note the error and drop the text."""
        try:
            super().write(text)
        except OSError as error:
            self._note(error)
        return len(text)

    def flush(self) -> None:
        """Flush. If that fails, note the error and drop the buffer."""
        try:
            super().flush()
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        """Keep the error, and redirect the stream to nowhere, so that its buffer does not fail again at exit."""
        self.fault = self.fault or error
        if not isinstance(error, BlockingIOError):  # that reader is only slow
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)


def secure() -> None:
    """Make the standard streams of this process `Lasting`, and open those that were closed.

    A closed stream is dangerous: the next file opened, such as a database, gets its file descriptor, and whatever a
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
    """A lasting stream over the given one, which is detached. Characters that it cannot encode are escaped."""
    keeps = stream.errors if stream.errors == "surrogateescape" else "backslashreplace"
    how = {"encoding": stream.encoding, "line_buffering": stream.line_buffering, "write_through": stream.write_through}
    return Lasting(stream.detach(), errors=keeps, **how)  # type: ignore[arg-type]


def ended(status: int) -> int:
    """The exit status of a command that ends with `status`, after a flush that shows whether its output was written."""
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
