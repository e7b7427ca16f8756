"""Who may do what at a server of ours, as far as that needs no server; `test_lab_server.py` asks one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from workbench.tracking import server_app
from workbench.tracking.files_message import FILES_PATH
from workbench.tracking.mlflow_internals import Rights
from workbench.tracking.pack_message import PACKS_PATH

MAY_RECORD = Rights(lambda: True, lambda _: False, lambda _: False)
MAY_CHANGE_A = Rights(lambda: False, lambda run_id: run_id == "a", lambda run_id: run_id == "a")


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Callable[[Rights], bool]]:
    """The rule of each (path, method) of ours."""
    rules: dict[tuple[str, str], Callable[[Rights], bool]] = {}
    monkeypatch.setattr(server_app, "server_application", lambda: Flask("server"))
    monkeypatch.setattr(server_app, "server_path", lambda path: path)
    monkeypatch.setattr(server_app, "with_log_in", lambda _, given: rules.update(given))
    server_app._create_app_with_log_in()
    return rules


def test_every_path_has_a_rule_for_each_method(allowed: dict[tuple[str, str], Callable[[Rights], bool]]) -> None:
    assert set(allowed) == {(PACKS_PATH, "GET"), (PACKS_PATH, "POST"), (FILES_PATH, "POST"), (FILES_PATH, "PUT")}


def test_only_who_may_create_a_run_records_a_pack_and_everybody_may_ask(
    allowed: dict[tuple[str, str], Callable[[Rights], bool]],
) -> None:
    with Flask("request").test_request_context(method="POST", data=b"{}"):
        assert allowed[PACKS_PATH, "POST"](MAY_RECORD)
        assert not allowed[PACKS_PATH, "POST"](MAY_CHANGE_A)
        assert allowed[PACKS_PATH, "GET"](MAY_CHANGE_A)


@pytest.mark.parametrize(("run_id", "may"), [("a", True), ("b", False)])
def test_only_who_may_change_a_run_sends_files_of_it(
    run_id: str, may: bool, allowed: dict[tuple[str, str], Callable[[Rights], bool]]
) -> None:
    with Flask("request").test_request_context(query_string={"run_id": run_id}, method="PUT"):
        assert allowed[FILES_PATH, "PUT"](MAY_CHANGE_A) is may
