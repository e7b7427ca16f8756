"""Stores that are copied by a test, and opened by many."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from functools import cache
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


def open_quickly() -> None:
    """Let MLflow look for its latest schema once a process: it reads sixty files for that at every opening."""
    from mlflow.store.db import utils

    asked = utils._get_latest_schema_revision
    utils._get_latest_schema_revision = asked if hasattr(asked, "cache_info") else cache(asked)


def close_databases_below(folder: Path) -> None:
    """Close what MLflow keeps open of the databases in a folder. It opens them again if they are asked for."""
    for name in ("tracking", "model_registry"):
        module = sys.modules.get(f"mlflow.store.{name}.sqlalchemy_store")
        for address, engine in list(module.SqlAlchemyStore._engine_map.items()) if module else ():
            if str(engine.url.database).startswith(f"{folder}/"):
                engine.dispose()
                del module.SqlAlchemyStore._engine_map[address]
