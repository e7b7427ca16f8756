"""What a sweep says: at once to the person, and with the time into the log in the sweep's folder.

The workings of a sweep `say` what a person must know and `note` what is only for the log; neither tells a secret.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench import output
from workbench.redaction import redacted_message

FILE = "log.txt"
_LOGGER = logging.getLogger("workbench.sweep")


def say(line: str) -> None:
    """One line on standard error, and in the log."""
    _LOGGER.info(redacted_message(line))


def warn(line: str) -> None:
    """The same of what went wrong: said even where a person wants quiet."""
    _LOGGER.warning(redacted_message(line))


def note(text: str) -> None:
    """In the log alone."""
    _LOGGER.debug(redacted_message(text))


def counted(count: int, what: str) -> str:
    """Like "1 run" or "12 runs"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def on_a_terminal() -> bool:
    """Whether somebody watches standard error on a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # it is closed
        return False


def redirect(send: Callable[[str], None]) -> None:
    """From now on, what is said in this process goes there alone: a worker's words are for the one in front to say."""
    _LOGGER.handlers = [_Sender(send)]


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """While it is entered, everything said is also appended to `folder/log.txt`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        keeper = _Keeper(folder / FILE, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        say(f"{folder / FILE} cannot be written ({error.strerror}); this sweep goes on without a log")
        yield
        return
    keeper.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    _LOGGER.addHandler(keeper)
    try:
        yield
    finally:
        _LOGGER.removeHandler(keeper)
        keeper.close()


class _Teller(logging.Handler):
    """Writes to whatever standard error is at the moment: a progress display puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is None:  # as in a service, where `print` would take standard output
            return
        if output.is_quiet() and record.levelno < logging.WARNING:
            return
        with suppress(OSError, ValueError):  # nobody listens any more, and what is said stands in the log
            print(record.getMessage(), file=sys.stderr, flush=True)


class _Sender(logging.Handler):
    def __init__(self, send: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(record.getMessage())


class _Keeper(logging.FileHandler):
    """A log that cannot be written to (a full disk) is no reason to stop, nor to say so at every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        return

    def close(self) -> None:
        """What a full disk did not take is let go."""
        try:
            super().close()
        except OSError:
            return


_LOGGER.setLevel(logging.DEBUG)
_LOGGER.propagate = False
_LOGGER.addHandler(_Teller(logging.INFO))
