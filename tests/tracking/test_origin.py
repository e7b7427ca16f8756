"""The tags that say from which state of a person's own code a sweep was started."""

from __future__ import annotations

import pytest

from workbench.tracking import names, origin


def test_a_token_in_what_is_not_committed_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-long-token")
    monkeypatch.setattr(origin, "_git", lambda _, *arguments: f"+token = 'a-long-token' ({arguments[0]})")
    origin._repository.cache_clear()
    try:
        assert origin.origin_tags()[names.DIFFERENCE] == "+token = '***' (diff)"
    finally:
        origin._repository.cache_clear()
