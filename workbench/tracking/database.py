"""The database file of an SQLite store: created in one step, put into write-ahead mode, and repaired after a move.

Write-ahead mode keeps its index in memory that processes of one machine share, so two machines that write damage the
database. On a disk that other machines may see it is therefore left for a rollback journal, which needs locks alone.
A store that is not writable is read from a copy.
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
from workbench.engine.errors import BadInput, first_line
from workbench.sweep.execution.mounts import is_shared
from workbench.tracking.location import ARTIFACTS, database_uri
from workbench.tracking.lone_writer import may_be_opened
from workbench.tracking.mlflow_internals import make_database

_LOCK_SECONDS = 20.0
_BESIDE = ("", "-wal", "-journal")  # the endings of a database and of the files that SQLite keeps beside it
_READ_VERSION, _WRITE_AHEAD = 19, 2  # where the file says how it is read, and what it says in write-ahead mode
_OPENED: dict[tuple[int, int], int] = {}  # device and number of a database's file -> its descriptor
_TRIES = 10  # attempts to copy a database that another machine is writing
# The columns in which MLflow keeps absolute addresses of artifacts: table -> column. The others begin with the first.
_ADDRESS_COLUMNS = {"experiments": "artifact_location", "runs": "artifact_uri", "logged_models": "artifact_location"}


def prepare(file: Path) -> None:
    """Create the database if there is none, choose its journal, and correct addresses if the folder was moved.

    Raises BadInput if the file is no SQLite database, the folder is not writable, or write-ahead mode cannot be left.
    """
    try:
        if not file.exists():
            _create(file)
        if is_shared(file.parent):
            _leave_write_ahead_mode(file)
        with closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database:
            if not is_shared(file.parent) and database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                database.execute("PRAGMA journal_mode=WAL")
            _find_again(database, file.parent)
    except (sqlite3.Error, OSError) as error:
        raise BadInput(f"tracking.uri: the store {file} cannot be used ({error})") from None


def readable(file: Path) -> Path:
    """The database to open in order to read `file`: the file itself, or a copy if its folder is not writable.

    SQLite makes files beside a database that it reads, so it needs a writable folder. What is in write-ahead mode on a
    shared disk is read from a copy too, and what another machine may write unseen. In all cases the addresses of
    artifacts are corrected if the folder was moved.

    Raises BadInput if the file is no SQLite database or cannot be read.
    """
    try:
        shares_memory = is_shared(file.parent) and _is_write_ahead(file)
        if _is_writable(file) and _is_writable(file.parent) and not shares_memory and may_be_opened(file):
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database:
                _find_again(database, file.parent)
                return file
        return _copied(file, _stamps(file))
    except (sqlite3.Error, OSError) as error:
        raise BadInput(f"tracking.uri: the store {file} cannot be read ({error})") from None


def _is_write_ahead(file: Path) -> bool:
    """Whether the database is in write-ahead mode. Its file is only read: SQLite would begin to share memory.

    It is opened once and never closed: POSIX takes back every lock that a process has on a file when the process closes
    any of its descriptors of it, and so would take those of a connection that is writing.
    """
    about = file.stat()
    identity = about.st_dev, about.st_ino
    if identity not in _OPENED:
        _OPENED[identity] = os.open(file, os.O_RDONLY)
    return os.pread(_OPENED[identity], 1, _READ_VERSION) == bytes([_WRITE_AHEAD])


def _leave_write_ahead_mode(file: Path) -> None:
    """Take the database out of write-ahead mode. Raises BadInput if another program has it open."""
    if not _is_write_ahead(file):
        return
    try:
        with closing(sqlite3.connect(file, timeout=_LOCK_SECONDS)) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")  # so that SQLite shares no memory
            database.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise BadInput(
            f"tracking.uri: the store {file} is on a disk that other machines may see, in a mode in which they would "
            f"damage it, and cannot leave it now ({error}); close every program that has it open, and start again"
        ) from None


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _stamps(file: Path) -> tuple[tuple[int, int] | None, ...]:
    """A stamp that changes when a database is written to: times and sizes of its files.

    Whoever reads a copy has no connection to the files themselves, whose locks would be taken back as they are closed.
    """
    with suppress(OSError):
        list(file.parent.iterdir())  # a client of NFS that opens a folder sees which files there are by now
    return tuple(_stamp(Path(f"{file}{end}")) for end in _BESIDE)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        with file.open("rb") as opened:  # a client of NFS asks the server then, and elsewhere remembers for a while
            about = os.fstat(opened.fileno())
    except FileNotFoundError:
        return None
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=16)
def _copied(file: Path, stamps: tuple[tuple[int, int] | None, ...]) -> Path:
    """A copy of the database as of `stamps` or later, in a folder that is deleted when this process ends."""
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
        raise OSError("another process keeps writing to it; try again when it has finished")
    with closing(sqlite3.connect(copy)) as database:
        _find_again(database, file.parent)
    return copy


def _create(file: Path) -> None:
    """Create a database in one step, so that no other process finds an incomplete one, and a kill leaves none.

    MLflow creates it table by table, which takes about 1.5 s. So this happens in a temporary folder, once a process,
    and the finished file is linked into place. That also avoids an error of MLflow's: it puts the path of the working
    folder into a statement unescaped, and fails if there is a quote in it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _aside() as aside:
        _fill(aside, file.parent / ARTIFACTS)
        complete = file.with_name(f"{file.name}.{os.getpid()}")
        shutil.copyfile(Path(aside) / "new.db", complete)
    try:
        os.link(complete, file)
    except FileExistsError:
        pass  # another process was first, and its database serves as well
    except OSError:  # a file system without links
        if not file.exists():
            complete.replace(file)
    finally:
        complete.unlink(missing_ok=True)


def _aside() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder."""
    try:
        return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError as error:
        raise BadInput(f"TMPDIR: no folder for temporary files can be made ({error.strerror})") from None


def _fill(aside: str, artifacts: Path) -> None:
    """Write a new database into the folder `aside`, for a store whose artifacts lie in the folder `artifacts`.

    Raises BadInput if it cannot be written, as on a full disk.
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
        reason = first_line(error)
        raise BadInput(f"TMPDIR: a new store cannot be made in {Path(aside).parent} ({reason})") from None


@lru_cache(maxsize=1)
def _pristine() -> bytes:
    """The bytes of a database as MLflow creates it."""
    with _aside() as aside:
        new = Path(aside) / "new.db"
        with closing(sqlite3.connect(new)) as database:
            database.execute("VACUUM")  # fails at once if it cannot be written; MLflow would retry for two minutes
        make_database(database_uri(new), file_address(Path(aside)))
        return new.read_bytes()


def _find_again(database: sqlite3.Connection, folder: Path) -> None:
    """Correct the addresses of artifacts after a store was moved or copied.

    MLflow records absolute paths. If the same artifacts lie beside this database, their paths are replaced, so that
    MLflow's UI and client find them too.
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
    """The URI beside the database that replaces `recorded`; None if it is correct or not local."""
    old = local_path(recorded)
    if old is None:
        return None
    if ARTIFACTS not in old.parts:
        return None
    root = len(old.parts) - old.parts[::-1].index(ARTIFACTS)
    new = folder / ARTIFACTS / Path(*old.parts[root:])
    gone = (folder / ARTIFACTS).exists() and not Path(*old.parts[:root]).exists()
    return file_address(new) if new != old and (new.exists() or gone) else None
