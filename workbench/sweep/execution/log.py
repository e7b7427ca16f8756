"""Messages of a sweep: printed to standard error, and written with the time to the log in the sweep's folder.

`say` prints and logs a message; `note` only logs it. Secrets are removed from both.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench import output
from workbench.redaction import redacted_message

LOG_FILE = "log.txt"
_LOGGER = logging.getLogger("workbench.sweep")


def say(line: str) -> None:
    """Print one line on standard error, and log it."""
    _LOGGER.info(output.escaped(redacted_message(line), keep="\n"))


def warn(line: str) -> None:
    """The same for a failure or lost data: printed even with --quiet."""
    _LOGGER.warning(output.escaped(redacted_message(line), keep="\n"))


def note(text: str) -> None:
    """Log one line without printing it."""
    _LOGGER.debug(redacted_message(text))


def on_a_terminal() -> bool:
    """Whether standard error is a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # standard error is closed
        return False


def redirect(send: Callable[[str, bool], None]) -> None:
    """From now on, messages of this process go to `send` only, each with whether it is a failure.

    The main process prints the messages of its workers.
    """
    _LOGGER.handlers = [_Sender(send)]


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """A context in which every message is also appended to `folder/log.txt`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log_file = _LogFile(folder / LOG_FILE, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        warn(f"{folder / LOG_FILE} cannot be written ({error.strerror}); this sweep goes on without a log")
        yield
        return
    log_file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    _LOGGER.addHandler(log_file)
    try:
        yield
    finally:
        _LOGGER.removeHandler(log_file)
        log_file.close()


class _StandardError(logging.Handler):
    """Writes to the current standard error, which a progress display may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is None:  # as in a service; `print(file=None)` would write to standard output
            return
        if output.is_quiet() and record.levelno < logging.WARNING:
            return
        with suppress(OSError, ValueError):  # the reader is gone; the log has the message
            print(record.getMessage(), file=sys.stderr, flush=True)


class _Sender(logging.Handler):
    def __init__(self, send: Callable[[str, bool], None]) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(record.getMessage(), record.levelno >= logging.WARNING)


class _LogFile(logging.FileHandler):
    """Ignores write errors (a full disk): they must not stop the sweep."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        return

    def close(self) -> None:
        """Close the file, and drop lines that a full disk did not accept."""
        try:
            super().close()
        except OSError:
            return


_LOGGER.setLevel(logging.DEBUG)
_LOGGER.propagate = False
_LOGGER.addHandler(_StandardError(logging.INFO))
