"""An SQLite store's database file: made once and whole, put into write-ahead mode, mended after a move; and read where
it cannot be written to.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path

from workbench.addresses import file_address, local_path
from workbench.engine.errors import BadInput
from workbench.tracking.location import ARTIFACTS, database_uri
from workbench.tracking.mlflow_internals import make_database

_LOCK_SECONDS = 20.0
_BESIDE = ("", "-wal", "-journal")  # a database and what SQLite keeps of it beside it, by the end of the names
_TRIES = 10  # to copy a database while another machine writes it
# Where MLflow keeps absolute places of artifacts: table -> column. The first is the one that the others begin with.
_ADDRESS_COLUMNS = {"experiments": "artifact_location", "runs": "artifact_uri", "logged_models": "artifact_location"}


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


def readable(file: Path) -> Path:
    """The database to open in order to read `file`: that itself, or a copy where it cannot be written to, since SQLite
    makes files beside a database that it reads. In either one artifacts are found where they lie now.

    Raises BadInput when the file is no SQLite database or cannot be read.
    """
    try:
        if _is_writable(file) and _is_writable(file.parent):
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database:
                _find_again(database, file.parent)
                return file
        return _copied(file, _stamps(file))
    except (sqlite3.Error, OSError) as error:
        raise BadInput(f"tracking.uri: the store {file} cannot be read ({error})") from None


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _stamps(file: Path) -> tuple[tuple[int, int] | None, ...]:
    """A stamp that changes when a database is written to: times and sizes of its files."""
    return tuple(_stamp(Path(f"{file}{end}")) for end in _BESIDE)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        about = file.stat()
    except FileNotFoundError:
        return None
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=16)
def _copied(file: Path, stamps: tuple[tuple[int, int] | None, ...]) -> Path:
    """A copy of the database as it stood at `stamps`, or later, in a folder that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = folder / "copy.db"
    for _ in range(_TRIES):
        for end, stamp in zip(_BESIDE, stamps, strict=True):
            if stamp is None:
                Path(f"{copy}{end}").unlink(missing_ok=True)
            else:
                shutil.copyfile(f"{file}{end}", f"{copy}{end}")
        before, stamps = stamps, _stamps(file)
        if stamps == before:
            break
    else:
        raise OSError("another process writes it all the time; try again when it is done")
    with closing(sqlite3.connect(copy)) as database:
        _find_again(database, file.parent)
    return copy


def _create(file: Path) -> None:
    """A new database appears in one step, so that neither a second process nor a kill finds half of one.

    MLflow fills it table by table (about 1.5 s); so it does that aside, once a process, and the finished file is linked
    into place. Its client would write the path of the working folder into a statement as it is, and fail at a quote in
    it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _aside() as aside:
        _fill(aside, file.parent / ARTIFACTS)
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


def _fill(aside: str, artifacts: Path) -> None:
    """A new database in the folder `aside`, of a store whose artifacts lie in a folder.

    Raises BadInput if there is no room for it, among other reasons.
    """
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    new = Path(aside) / "new.db"
    try:
        new.write_bytes(_pristine())
        with closing(sqlite3.connect(new)) as database:
            place, now = f"{file_address(artifacts)}/0", int(time.time() * 1000)  # of MLflow's default experiment
            times = "creation_time = ?, last_update_time = ?"
            database.execute(f"UPDATE experiments SET artifact_location = ?, {times}", (place, now, now))
            database.commit()
    except (sqlite3.Error, MlflowException, SQLAlchemyError, CommandError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"TMPDIR: a new store cannot be made in {Path(aside).parent} ({reason})") from None


@lru_cache(maxsize=1)
def _pristine() -> bytes:
    """A database as MLflow makes it."""
    with _aside() as aside:
        new = Path(aside) / "new.db"
        with closing(sqlite3.connect(new)) as database:
            database.execute("VACUUM")  # where this cannot be written, MLflow would try for two minutes
        make_database(database_uri(new), file_address(Path(aside)))
        return new.read_bytes()


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
        for table, column in _ADDRESS_COLUMNS.items():
            if table in tables:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {column} = ? "
                    f"OR substr({column}, 1, ?) = ?",
                    (place, len(recorded) + 1, recorded, len(recorded) + 1, recorded + "/"),
                )
    database.commit()


def _beside(recorded: str | None, folder: Path) -> str | None:
    """The URI beside the database that `recorded` has become, None if it stands where it should or is not local."""
    old = local_path(recorded)
    if old is None:
        return None
    if ARTIFACTS not in old.parts:
        return None
    root = len(old.parts) - old.parts[::-1].index(ARTIFACTS)
    new = folder / ARTIFACTS / Path(*old.parts[root:])
    gone = (folder / ARTIFACTS).exists() and not Path(*old.parts[:root]).exists()
    return file_address(new) if new != old and (new.exists() or gone) else None
