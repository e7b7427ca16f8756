"""Stores that are copied by a test."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def settle(database: Path) -> None:
    """Write into the database's file what its journal holds beside it.

    A connection that Python has yet to collect does so at any moment, also in the middle of a copy, which then holds
    the file from before and no journal any more.
    """
    with closing(sqlite3.connect(database)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy


def copied(folder: Path, copy: Path) -> Path:
    """A copy of a folder with a settled store."""
    return Path(shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.db-wal", "*.db-shm")))
