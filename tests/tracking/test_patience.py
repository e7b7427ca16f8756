"""The budget for a server: spent once, from the last answer on, and only on what another try can mend."""

from __future__ import annotations

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException

from workbench.tracking import patience
from workbench.tracking.patience import Patience, is_lost

GONE = MlflowException("API request to http://far/api failed with exception: connection refused")


class Server:
    """A fake clock, and a server that answers after so many tries; each takes `seconds`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int, seconds: float = 0.0) -> None:
        self.now, self.tries, self.failures, self.seconds = 0.0, 0, failures, seconds
        monkeypatch.setattr(patience, "monotonic", lambda: self.now)
        self.patience = Patience("http://far", 60.0, self.pass_by)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def ask(self) -> str:
        self.tries += 1
        self.now += self.seconds
        if self.tries <= self.failures:
            raise GONE
        return "answer"


def test_it_is_tried_again_until_it_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(monkeypatch, 4)
    assert server.patience.until_answered(server.ask) == "answer"
    assert server.now == 0.5 + 1 + 2 + 4
    assert capsys.readouterr().err.count("does not answer") == 1


def test_the_budget_is_spent_once_and_again_after_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 10**6)
    with pytest.raises(MlflowException):
        server.patience.until_answered(server.ask)
    assert server.now == 60
    with pytest.raises(MlflowException):
        server.patience.until_answered(server.ask)
    assert server.now == 60
    server.failures = 0
    server.patience.until_answered(server.ask)
    server.failures, before = 10**6, server.tries
    with pytest.raises(MlflowException):
        server.patience.until_answered(server.ask)
    assert server.tries > before + 5


def test_a_long_operation_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes of answers before one is lost."""
    server = Server(monkeypatch, 1, seconds=600.0)
    assert server.patience.until_answered(server.ask) == "answer"


def test_answers_between_losses_lengthen_it_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 10**6, seconds=10.0)

    def some() -> None:
        with server.patience.waiting():
            pass
        server.ask()

    with pytest.raises(MlflowException):
        server.patience.until_answered(some)
    assert 300 <= server.now < 320


def test_what_another_try_cannot_mend_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 0)

    def refused() -> None:
        server.tries += 1
        raise RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "no"})

    with pytest.raises(RestException):
        server.patience.until_answered(refused)
    assert server.tries == 1
    assert not is_lost(ValueError("no"))
    for status, lost in {401: False, 403: False, 404: False, 408: True, 429: True, 500: True, 503: True}.items():
        said = f"API request to endpoint /api failed with error code {status} != 200. Response body: 'no'"
        assert is_lost(MlflowException(said)) is lost, status
        answer = requests.Response()
        answer.status_code = status
        assert is_lost(requests.HTTPError(response=answer)) is lost, status
    assert is_lost(ConnectionResetError())


def test_a_silence_is_said_once_of_all_requests_that_wait(capsys: pytest.CaptureFixture[str]) -> None:
    budget = Patience("http://far", 60.0)
    for times in (1, 2):
        with budget.waiting():
            budget._say_silent()
            budget._say_silent()
        assert capsys.readouterr().err.count("the store http://far is silent") == 1, times
