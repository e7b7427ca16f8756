"""Packs of runs sent to a server that takes them (`server_app`); a server is asked once whether it does."""

from __future__ import annotations

import json
from collections.abc import Mapping

from workbench.addresses import scheme_of
from workbench.tracking.bulk import NewRun
from workbench.tracking.connection import Connection
from workbench.tracking.mlflow_internals import answer_of
from workbench.tracking.pack_message import MESSAGE_VERSION, PACKS_PATH, messages

_OFFER_GONE = (404, 405, 413, 501)  # no such address any more; or a proxy before it lets no message of this size pass


def takes_packs(connection: Connection) -> bool:
    """Whether the store is a server that takes packs, of this version; it is asked once."""
    if scheme_of(connection.location.uri) not in ("http", "https"):
        return False
    if PACKS_PATH not in connection.offers:
        with connection.waiting():
            status, text = answer_of(connection.client, "GET", PACKS_PATH)
        connection.offers[PACKS_PATH] = status == 200 and _content(text).get("version") == MESSAGE_VERSION
    return connection.offers[PACKS_PATH]


def send(connection: Connection, experiment: str, runs: Mapping[str, NewRun]) -> list[str]:
    """Send new runs, by their run ids; those that were recorded. They are all, unless the server takes none any more.

    Each message is recorded whole or not at all, and once however often it is sent.
    """
    recorded: list[str] = []
    for marks, message in messages(experiment, runs):
        with connection.waiting():
            status, text = answer_of(connection.client, "POST", PACKS_PATH, message)
        if status in _OFFER_GONE and "error_code" not in _content(text):
            connection.offers[PACKS_PATH] = False
            break
        if status != 200:
            raise _refusal(status, text)
        recorded += marks
    return recorded


def _refusal(status: int, text: str) -> Exception:
    from mlflow.exceptions import MlflowException, RestException

    said = _content(text)
    if "error_code" in said:
        return RestException(said)
    return MlflowException(f"API request to endpoint {PACKS_PATH} failed with error code {status} != 200: {text[:200]}")


def _content(text: str) -> dict[str, object]:
    """An answer's JSON; empty if it is of another kind."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
