"""The store opens for users without a home, and says in one line that there is no room for temporary files."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from workbench.engine.errors import BadInput, first_line
from workbench.tracking import database, quiet_mlflow


def test_somebody_without_a_home_is_given_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("HOME")
    quiet_mlflow.import_for_anybody()
    assert os.environ["HOME"] == "/nonexistent"
    assert Path.home is unknown


def test_no_place_for_temporary_files_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none_usable(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", none_usable)
    with pytest.raises(BadInput, match=r"^TMPDIR: no folder for temporary files can be made \(No usable [^\n]*$"):
        database.prepare(tmp_path / "mlflow.db")
    assert not list(tmp_path.iterdir())


def test_no_room_among_temporary_files_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "full").touch()
    with pytest.raises(BadInput, match=r"^TMPDIR: a new store cannot be made in [^\n]*$"):
        database._fill(str(tmp_path / "full"), tmp_path)


SAID = "(raised as a result of Query-invoked autoflush)\n(sqlite3.OperationalError) database is locked"


@pytest.mark.parametrize(("error", "first"), [
    (MlflowException(f"{SAID}\n[SQL: UPDATE runs]"), "(sqlite3.OperationalError) database is locked"),
    (OperationalError("UPDATE runs", {}, sqlite3.OperationalError("database is locked")), "database is locked"),
    (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
    (ValueError(" \n"), "ValueError"),
])  # fmt: skip
def test_what_a_database_said_is_what_is_reported(error: Exception, first: str) -> None:
    """Not what SQLAlchemy remarks on its session before."""
    assert first_line(error) == first
