"""What a server's answers to a pack mean: recorded, refused, or that it takes packs no more."""

from __future__ import annotations

import json

import pytest
from mlflow.exceptions import MlflowException, RestException

from workbench.tracking import pack_sending
from workbench.tracking.bulk import NewRun, new_run_ids
from workbench.tracking.connection import Connection
from workbench.tracking.location import Location
from workbench.tracking.pack_message import PACKS_PATH
from workbench.tracking.patience import Patience

RUN = NewRun("n", "FINISHED", 1, 2, {}, {}, [])
NOT_THERE = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No Experiment with id=3 exists"})


@pytest.fixture
def connection() -> Connection:
    """One to a server that has said that it takes packs."""
    made = Connection(None, Location("http://far", "http://far"), Patience("http://far", 1.0))  # type: ignore[arg-type]
    made.offers[PACKS_PATH] = True
    return made


def sent(connection: Connection, status: int, text: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(pack_sending, "answer_of", lambda *_: (status, text))
    return pack_sending.send(connection, "3", {"0" * 32: RUN})


@pytest.mark.parametrize("status", [404, 405, 413, 501])
def test_where_the_address_is_gone_runs_are_left_to_mlflows_own_calls(
    status: int, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent(connection, status, "<html>", monkeypatch) == []
    assert not pack_sending.takes_packs(connection)


def test_what_the_store_has_not_is_an_error_and_no_end_of_the_offer(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status is the same as that of an address that is gone."""
    with pytest.raises(RestException, match="No Experiment with id=3 exists"):
        sent(connection, 404, NOT_THERE, monkeypatch)
    assert pack_sending.takes_packs(connection)


def test_any_other_answer_is_an_error(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MlflowException, match="error code 503"):
        sent(connection, 503, "busy", monkeypatch)
    assert pack_sending.takes_packs(connection)


def test_what_was_recorded_before_the_offer_ended_counts(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([(200, "{}"), (404, "")])
    monkeypatch.setattr(pack_sending, "answer_of", lambda *_: next(answers))
    monkeypatch.setattr("workbench.tracking.pack_message.SENT_BYTES", 10)
    first, second, third = new_run_ids(3)
    assert pack_sending.send(connection, "3", dict.fromkeys((first, second, third), RUN)) == [first]


@pytest.mark.parametrize(("version", "takes"), [(1, True), (2, False)])
def test_a_server_of_another_version_is_told_run_by_run(
    version: int, takes: bool, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.offers.clear()
    monkeypatch.setattr(pack_sending, "answer_of", lambda *_: (200, json.dumps({"version": version})))
    assert pack_sending.takes_packs(connection) is takes
