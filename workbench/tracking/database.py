"""An SQLite store's database file: made once and whole, put into write-ahead mode, and mended after a move."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workbench.engine.errors import BadInput
from workbench.tracking.location import ARTIFACTS

_LOCK_SECONDS = 20.0
# Where MLflow keeps absolute places of artifacts: table -> column. The first is the one that the others begin with.
_PLACES = {"experiments": "artifact_location", "runs": "artifact_uri", "logged_models": "artifact_location"}


def prepare(file: Path) -> None:
    """Makes the database if there is none; then write-ahead mode, and artifacts found again if the folder was moved.

    Raises BadInput when the file is no SQLite database or the folder cannot be written to.
    """
    try:
        if not file.exists():
            _create(file)
        with closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database:
            if database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                database.execute("PRAGMA journal_mode=WAL")
            _find_again(database, file.parent)
    except (sqlite3.Error, OSError) as error:
        raise BadInput(f"tracking.uri: the store {file} cannot be used ({error})") from None


def _create(file: Path) -> None:
    """A new database appears in one step, so that neither a second process nor a kill finds half of one.

    MLflow fills it table by table (about 1.5 s); so it does that aside, and the finished file is linked into place.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _aside() as aside:
        _fill(aside)
        complete = file.with_name(f"{file.name}.{os.getpid()}")
        shutil.copyfile(Path(aside) / "new.db", complete)
    try:
        os.link(complete, file)
    except FileExistsError:
        pass  # another process was first: its database is as good
    except OSError:  # a file system without links
        if not file.exists():
            complete.replace(file)
    finally:
        complete.unlink(missing_ok=True)


def _aside() -> tempfile.TemporaryDirectory[str]:
    """A folder among the system's temporary files."""
    try:
        return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError as error:
        raise BadInput(f"TMPDIR: no folder for temporary files can be made ({error.strerror})") from None


def _fill(aside: str) -> None:
    """A new database in the folder `aside`. Raises BadInput where there is no room for it, among other reasons."""
    from alembic.util import CommandError
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        MlflowClient(f"sqlite:///{aside}/new.db").search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, CommandError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"TMPDIR: a new store cannot be made in {Path(aside).parent} ({reason})") from None


def _find_again(database: sqlite3.Connection, folder: Path) -> None:
    """MLflow records artifacts by absolute path. Where the same artifacts lie beside this database, that path is
    replaced: a moved or copied workspace then works in MLflow's UI and client as it does in ours.
    """
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "experiments" not in tables:
        return
    for (recorded,) in database.execute("SELECT artifact_location FROM experiments").fetchall():
        place = _beside(recorded, folder)
        if place is None:
            continue
        for table, column in _PLACES.items():
            if table in tables:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? "
                    f"OR substr({column}, 1, ?) = ?",
                    (place, len(recorded) + 1, recorded, len(recorded) + 1, recorded + "/"),
                )
    database.commit()


def _beside(recorded: str | None, folder: Path) -> str | None:
    """The URI beside the database that `recorded` has become, None if it stands where it should or is not local."""
    parts = urlsplit(recorded or "")
    if not recorded or parts.scheme not in ("", "file"):
        return None
    old = Path(unquote(parts.path) if parts.scheme else recorded)
    if ARTIFACTS not in old.parts:
        return None
    root = len(old.parts) - old.parts[::-1].index(ARTIFACTS)
    new = folder / ARTIFACTS / Path(*old.parts[root:])
    gone = (folder / ARTIFACTS).exists() and not Path(*old.parts[:root]).exists()
    return new.as_uri() if new != old and (new.exists() or gone) else None
