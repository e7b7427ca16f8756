"""A store on a disk that other machines may see is in no mode in which two machines would damage it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests import stores
from tests.tracking.cases import uri_of
from workbench.engine.errors import BadInput
from workbench.tracking import database
from workbench.tracking.connection import connect


def journal_of(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "mlflow.db")) as opened:
        return str(opened.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.fixture
def becomes_shared(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on every disk is one that other machines may see."""
    return lambda: monkeypatch.setattr(database, "is_shared", lambda _: True)


def test_a_new_store_has_a_rollback_journal(tmp_path: Path, becomes_shared: Callable[[], None]) -> None:
    becomes_shared()
    connect(uri_of(tmp_path / "new"))
    assert journal_of(tmp_path / "new") == "delete"


def test_a_store_that_was_brought_there_leaves_write_ahead_mode_and_keeps_what_it_holds(
    folder: Path, becomes_shared: Callable[[], None]
) -> None:
    connect().client.create_experiment("kept")
    stores.close_databases_below(folder)
    assert journal_of(folder) == "wal"
    becomes_shared()
    assert connect().client.get_experiment_by_name("kept")
    assert journal_of(folder) == "delete"


def test_a_reader_shares_no_memory_and_changes_nothing(folder: Path, becomes_shared: Callable[[], None]) -> None:
    becomes_shared()
    assert database.readable(folder / "mlflow.db").parent != folder
    assert journal_of(folder) == "wal"
    connect()
    assert database.readable(folder / "mlflow.db").parent == folder


def test_where_another_program_has_it_open_nothing_is_written(
    folder: Path, becomes_shared: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect()
    monkeypatch.setattr(database, "_LOCK_SECONDS", 0.0)
    becomes_shared()
    with closing(sqlite3.connect(folder / "mlflow.db")) as other:
        other.execute("SELECT count(*) FROM runs").fetchall()
        with pytest.raises(BadInput, match=r"^tracking.uri: the store .* close every program that") as caught:
            connect()
    assert "\n" not in str(caught.value)
    assert journal_of(folder) == "wal"


TAKEN = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN IMMEDIATE")
"""


@pytest.mark.parametrize("shared", [False, True])
def test_to_look_at_a_database_takes_back_no_lock_of_this_process(
    folder: Path, becomes_shared: Callable[[], None], shared: bool
) -> None:
    """As POSIX would, once this process closed a descriptor of the file."""
    file = folder / "mlflow.db"
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA journal_mode=DELETE")
    if shared:
        becomes_shared()
    with closing(sqlite3.connect(file)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        database.readable(file)
        other = subprocess.run([sys.executable, "-c", TAKEN, file], capture_output=True, text=True, check=False)
        assert "database is locked" in other.stderr
