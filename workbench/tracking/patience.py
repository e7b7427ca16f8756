"""Retries: how long an operation waits for a server. There is one time budget, and a long wait is reported early.

By default, MLflow's client repeats every request for minutes without a message, even a creation. We configure it to
repeat at once or not at all, and never to repeat a creation (`once`). Instead we repeat the whole operation, which
checks what the store holds before it creates anything.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from time import monotonic, sleep
from typing import TypeVar

from workbench.sweep.execution.log import say

WAIT_SECONDS = 60.0  # the default budget
SILENCE_SAID_AFTER = 8.0  # seconds of silence
_PAUSES = (0.5, 5.0)  # seconds between two tries: at first, and at most
_SOME_ANSWERS = 5
_RETRIES, _TIMEOUT = "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"
_BACKOFF, _JITTER = "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER"
_AGAIN = "2"  # repetitions of a request by MLflow's client itself
# What another try cannot mend: an address of another kind; an answer that is no JSON, as 403 of a log-in.
_REFUSED_FOR_GOOD = re.compile(r"Invalid url|failed with error code 4(?!08|29)\d\d\b")
_SET_BY_US: dict[str, str] = {}  # our entries in the environment; a person's own are kept

Answer = TypeVar("Answer")


class Patience:
    """The budget of a store: seconds without an answer. After it is exhausted, the next operation is tried only once.

    An operation of many requests may take _SOME_ANSWERS times as long if some of them are answered.
    """

    def __init__(self, shown: str, seconds: float = WAIT_SECONDS, pause: Callable[[float], None] = sleep) -> None:
        self.shown, self.seconds, self._pause = shown, seconds, pause
        self._spent = False
        self._answered = -math.inf  # when a request was last answered
        self._is_said, self._saying = False, Lock()  # that the server is silent, of all requests under way

    def tell_mlflow(self) -> None:
        """Configure MLflow's client: it repeats harmless requests at once, and gives up a request within the budget."""
        os.environ[_RETRIES] = _AGAIN
        _set(_BACKOFF, "0")
        _set(_JITTER, "0.1")
        _set(_TIMEOUT, str(max(1, round(self.seconds / (1 + int(_AGAIN))))))

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A context for one request; a long wait is reported, and once if several requests wait at a time."""
        timer = Timer(min(SILENCE_SAID_AFTER, self.seconds / 2), self._say_silent)
        timer.daemon = True
        timer.start()
        try:
            yield
            self._answered = monotonic()
        finally:
            timer.cancel()
            self._is_said = False

    def until_answered(self, act: Callable[[], Answer]) -> Answer:
        """The result of `act`, which is repeated while the server is unreachable, until the budget is exhausted."""
        began, pause = math.inf, _PAUSES[0]
        while True:
            try:
                answer = act()
            except Exception as error:
                now = monotonic()
                began = min(began, now)
                left = self.seconds - (now - max(began, self._answered))
                left = min(left, _SOME_ANSWERS * self.seconds - (now - began))
                if not is_lost(error) or self._spent or left <= 0:
                    self._spent = self._spent or is_lost(error)
                    raise
                if pause == _PAUSES[0]:
                    say(f"  the store {self.shown} does not answer; it is tried again for {self._limit(left)}")
                self._pause(min(pause, left))
                pause = min(2 * pause, _PAUSES[1])
            else:
                self._spent = False
                return answer

    def _say_silent(self) -> None:
        with self._saying:
            was_said, self._is_said = self._is_said, True
        if not was_said:
            say(f"  the store {self.shown} is silent; it is waited for {self._limit(self.seconds)}")

    def _limit(self, seconds: float) -> str:
        return f"up to {seconds:.0f} s (tracking.wait_seconds={self.seconds:g})"


@contextmanager
def once() -> Iterator[None]:
    """A context for a creation, which is not repeated: the caller first looks whether the request has arrived."""
    again = os.environ.get(_RETRIES)
    if again is None:
        yield
        return
    os.environ[_RETRIES] = "0"
    try:
        yield
    finally:
        os.environ[_RETRIES] = _AGAIN


def is_lost(error: BaseException) -> bool:
    """Whether it is unknown if a request arrived: the server was unreachable, overloaded, or broke the connection."""
    from mlflow.exceptions import MlflowException, RestException
    from requests.exceptions import HTTPError, RequestException
    from sqlalchemy.exc import OperationalError

    if isinstance(error, RestException):
        return error.error_code in ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
    if isinstance(error, MlflowException):
        unanswered = str(error).startswith("API request to ") or error.error_code == "TEMPORARILY_UNAVAILABLE"
        return unanswered and not _REFUSED_FOR_GOOD.search(str(error))
    if isinstance(error, HTTPError) and error.response is not None:  # of an artifact
        return not _REFUSED_FOR_GOOD.search(f"failed with error code {error.response.status_code}")
    return isinstance(error, RequestException | OperationalError | ConnectionError | TimeoutError)


def _set(variable: str, value: str) -> None:
    if os.environ.get(variable) in (None, _SET_BY_US.get(variable)):
        os.environ[variable] = _SET_BY_US[variable] = value
