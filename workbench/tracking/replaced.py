"""Detects that an SQLite database was deleted or replaced while it was open: writes to it would be lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from workbench.tracking.connection import Connection
from workbench.tracking.database import prepare
from workbench.tracking.mlflow_internals import engine_of


class Database:
    """The database file that a connection has opened, identified by the system's number of it; servers have none."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._file = connection, connection.location.file
        self._known = _identity(self._file)

    def replaced(self) -> bool:
        """Whether the path now names another file, or none."""
        return self._file is not None and _identity(self._file) != self._known

    def reopened(self) -> bool:
        """Open the file that the path names now, or a new database if there is none; False if the file is unchanged."""
        if self._file is None or not self.replaced():
            return False
        engine = engine_of(self._connection.client)
        if engine is not None:
            engine.dispose()  # its connections belong to the deleted file
        if not _holds_anything(self._file):  # SQLite makes an empty file if somebody writes to a deleted one
            for suffix in ("", "-wal", "-shm", "-journal"):
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        prepare(self._file)
        self._known = _identity(self._file)
        return True


def _holds_anything(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchall())
    except sqlite3.Error:
        return file.exists() and file.stat().st_size > 0


def _identity(file: Path | None) -> tuple[int, int] | None:
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None
