"""Cores are those the process may use, as far as its container allows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.sweep.execution import cores as room
from workbench.sweep.execution.cores import cores, shares


@pytest.mark.parametrize(
    ("limit", "allowed"), [("max 100000", 8), ("150000 100000", 2), ("1000 100000", 1), ("-1 100000", 8), ("odd", 8)]
)
def test_a_container_may_allow_less_than_the_machine_has(
    limit: str, allowed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    monkeypatch.setattr(room, "_QUOTAS", ((str(tmp_path / "cpu.max"),), (str(tmp_path / "none"), str(tmp_path / "no"))))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores() == allowed


def test_a_system_that_does_not_tell_has_one_core_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(room, "_QUOTAS", ())
    monkeypatch.setattr(os, "sched_getaffinity", refuses, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


@pytest.mark.parametrize(
    ("count", "found"),
    [(1, [{1, 2, 5, 6, 7}]), (2, [{1, 2}, {5, 6, 7}]), (5, [{1}, {2}, {5}, {6}, {7}]), (6, [])],
)
def test_the_cores_are_shared_out_unless_there_are_too_few(
    count: int, found: list[set[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {7, 6, 5, 2, 1}, raising=False)
    monkeypatch.setattr(room, "cores", lambda: 5)
    assert shares(count) == found
    monkeypatch.setattr(room, "cores", lambda: 0)  # a container allows less
    assert shares(count) == []


def test_there_are_no_shares_where_the_system_does_not_say_which_cores_it_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert shares(1) == []
