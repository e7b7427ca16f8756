"""Who may do what at a server that takes packs, as far as that needs no server; `test_lab_server.py` asks one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from workbench.tracking import server_app
from workbench.tracking.pack_message import PACKS_PATH

Right = Callable[[Callable[[], bool]], bool]


def test_with_log_in_only_who_may_create_a_run_records_a_pack_and_everybody_may_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rights: dict[tuple[str, str], Right] = {}
    app = Flask("server")
    monkeypatch.setattr(server_app, "server_application", lambda: app)
    monkeypatch.setattr(server_app, "with_log_in", lambda _, given: rights.update(given))
    server_app._create_app_with_log_in()
    by_method = {method: right for (path, method), right in rights.items() if path.endswith(PACKS_PATH)}
    assert set(by_method) == {"GET", "POST"}
    with app.test_request_context(method="POST", data=b"{}"):
        assert by_method["POST"](lambda: True)
        assert not by_method["POST"](lambda: False)
        assert by_method["GET"](lambda: False)
