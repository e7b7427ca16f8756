"""Copies one sweep into a new store, in a folder that can be moved elsewhere.

Rows and files are copied unchanged, run ids included, so that references to runs stay valid.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.addresses import sqlite_address
from workbench.engine.errors import BadInput
from workbench.filenames import is_inside, remove
from workbench.files import UNFINISHED
from workbench.tracking import names
from workbench.tracking.confined import RUN_ID, own_folder
from workbench.tracking.connection import Connection, connect, connect_to_read, experiments_of, one_line, parents
from workbench.tracking.database import prepare
from workbench.tracking.experiment import experiment_of
from workbench.tracking.housekeeping import ARTIFACTS_OF_A_RUN, artifacts_of
from workbench.tracking.location import DEFAULT_FILE
from workbench.tracking.lone_writer import written_alone
from workbench.tracking.models import models_of
from workbench.tracking.plan_table import look
from workbench.tracking.replay import replay
from workbench.tracking.write import MlflowStore

if TYPE_CHECKING:
    from mlflow.entities import Run

_RUNS_AT_ONCE = 500  # run ids in one statement
_COLUMN_OF_TAG = {names.HISTORY: "history", names.ORIGIN: "origin"}  # tag of a child -> column of the plan
# Tables that hang on a run's models: table -> column that names the model.
_OF_MODELS = {"logged_model_metrics": "model_id", "logged_model_params": "model_id", "logged_model_tags": "model_id"}


def export(name: str, folder: Path, uri: str | None = None) -> list[str]:
    """Copy the latest sweep called `name` into a store in the new folder `folder`, and return what could not be copied
    since it is gone or damaged: the paths of artifacts, empty for a whole copy.

    Runs that it reuses from other sweeps come along with their histories. From a server it is recorded again, by
    `replay`, and its runs get other ids; then a sweep is copied whole or not at all. Raises BadInput for a folder that
    is there or cannot be made.
    """
    connection = connect_to_read(uri)
    source = connection.database
    with one_line(connection.location):
        found = [run for run in parents(connection) if run.data.tags.get(names.SWEEP) == names.tag(name)]
        if not found:
            raise BadInput(f"sweep: {connection.location.shown} holds none called {name!r:.200}")
        with _made(folder) as (unfinished, place):
            if source is None:
                experiment = connection.client.get_experiment(found[-1].info.experiment_id).name
                made = sqlite_address((unfinished / DEFAULT_FILE).absolute())
                replay(connection, name, MlflowStore(made, experiment, sampled=False))
                missing = []
            else:
                missing = _copy_sweep(connection, source, found[-1], unfinished)
        prepare(place / DEFAULT_FILE)  # artifacts are found again where they lie now
    return missing


def import_sweep(name: str, source: str, uri: str | None = None) -> str:
    """Record the latest sweep called `name` of another store, or of a folder that `export` made, into the store at
    `uri`, in the experiment of that name there; the shown address of the latter. Once more changes nothing.
    """
    if "://" not in source:
        source = sqlite_address((Path(source) / DEFAULT_FILE).absolute())
    connection = connect_to_read(source)
    with one_line(connection.location):
        found = [run for run in parents(connection) if run.data.tags.get(names.SWEEP) == names.tag(name)]
        experiment = connection.client.get_experiment(found[-1].info.experiment_id).name if found else None
        with written_alone(uri):
            target = MlflowStore(uri, experiment, sampled=False)
            replay(connection, name, target)
    return target.shown


@contextmanager
def _made(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A hidden folder beside `folder`, to be filled, and where that will be: renamed at the end, as half a copy would
    pass for one.
    """
    try:
        there, place = _is_there(folder), folder.resolve()  # `a/../b` is `b`, and makes no `a`
        if there or place.exists():
            raise BadInput(f"{folder!s:.200} is there already; export makes the folder")
        unfinished = place.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
        unfinished.mkdir(parents=True)
    except BadInput:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{folder!s:.200}: found no folder that can be made ({reason}); the copy lies there") from None
    try:
        yield unfinished, place
        unfinished.rename(place)
    finally:
        remove(unfinished)


def _is_there(path: Path) -> bool:
    """Raises OSError or ValueError for a name that no file can have."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _copy_sweep(connection: Connection, source: Path, parent: Run, folder: Path) -> list[str]:
    """Copy everything of one sweep into a new store in that folder. Returns the artifacts that are missing."""
    target = connect(sqlite_address((folder / DEFAULT_FILE).absolute()))
    experiment = connection.client.get_experiment(parent.info.experiment_id).name
    into = experiment_of(target, experiment)
    table, damaged = look(connection, parent, ("cell", "outcome", "ended", "run_id", "origin", "history"))
    rows = table.to_pylist() or _children(source, parent.info.run_id)
    histories = {row["history"] for row in rows if row["history"]}
    others = {history.removeprefix("runs:/").partition("/")[0] for history in histories} - {parent.info.run_id}
    runs = {parent.info.run_id, *others, *(row["run_id"] for row in rows), *(row["origin"] for row in rows)} - {""}
    _copy_rows(source, target, sorted(runs), into)
    _copy_artifacts(connection, target, parent, others, histories)
    with closing(sqlite3.connect(folder / DEFAULT_FILE)) as database:
        # Other sweeps are copied for their histories alone, and are not listed as sweeps of this store.
        marks = ",".join("?" * len(others))
        database.execute(f"DELETE FROM tags WHERE key = ? AND run_uuid IN ({marks})", [names.KIND, *others])
        database.commit()
    return [names.PLAN] * damaged + _missing(target, parent.info.run_id, histories)


def _children(source: Path, parent: str) -> list[dict[str, str]]:
    """The children of a sweep whose plan is gone, as far as the database has them: run id, origin and history."""
    with closing(sqlite3.connect(source)) as database:
        runs = database.execute("SELECT run_uuid FROM tags WHERE key = ? AND value = ?", (names.PARENT, parent))
        found = [{"run_id": run, "origin": "", "history": ""} for (run,) in runs]
        for row in found:
            tags = database.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (row["run_id"],))
            row |= {key: value for tag, value in tags if (key := _COLUMN_OF_TAG.get(tag))}
    return found


def _missing(target: Connection, parent: str, histories: Iterable[str]) -> list[str]:
    """The artifacts without which the sweep cannot be read whole and that the copy has not."""
    wanted = [(parent, names.PLAN), (parent, names.SWEEP_FILE)]
    for history in sorted(histories):
        if (place := names.history_place(history)) is not None:
            wanted += [(place[0], f"{place[1]}/{file}") for file in (names.EPOCHS_FILE, names.LAYERS_FILE)]
    folders = {run: _folder(target, run) for run, _ in wanted}
    return [path for run, path in wanted if (folder := folders[run]) is None or not (folder / path).is_file()]


def _folder(connection: Connection, run_id: str) -> Path | None:
    """The folder of a run's artifacts; None if the store has no such run, or not as files."""
    from mlflow.exceptions import MlflowException

    try:
        return artifacts_of(connection.client.get_run(run_id))
    except MlflowException:
        return None


def _copy_rows(source: Path, target: Connection, runs: Sequence[str], experiment: str) -> None:
    """Copy the rows of these runs from every table, and correct the addresses of their artifacts."""
    if strangers := [run for run in runs if not RUN_ID.fullmatch(run)]:
        raise BadInput(f"sweep: its store names a run {strangers[0]!r:.80}, which is no run id of MLflow's")
    assert target.location.file is not None
    with closing(sqlite3.connect(target.location.file, isolation_level=None)) as database:
        database.execute("ATTACH DATABASE ? AS old", (str(source),))
        database.execute("BEGIN")
        for chunk in (runs[start : start + _RUNS_AT_ONCE] for start in range(0, len(runs), _RUNS_AT_ONCE)):
            for table in ("runs", *(name for name in _tables(database, "run_uuid") if name != "runs")):
                _insert(database, table, "run_uuid", chunk)
            _insert(database, "logged_models", "source_run_id", chunk)
        models = [model for (model,) in database.execute("SELECT model_id FROM logged_models")]
        for table, column in _OF_MODELS.items():
            _insert(database, table, column, models)
        place = target.client.get_experiment(experiment).artifact_location
        places = "SELECT experiment_id, artifact_location FROM old.experiments WHERE artifact_location IS NOT NULL"
        for old_id, old in database.execute(places).fetchall():
            database.execute(
                "UPDATE logged_models SET artifact_location = ? || substr(artifact_location, ?) "
                "WHERE experiment_id = ? AND substr(artifact_location, 1, ?) = ?",
                (place, len(old) + 1, old_id, len(old), old),
            )
        database.execute("UPDATE runs SET artifact_uri = ? || '/' || run_uuid || ?", (place, f"/{ARTIFACTS_OF_A_RUN}"))
        for table in _tables(database, "experiment_id"):
            if table in ("runs", "logged_models", *_OF_MODELS):
                database.execute(f"UPDATE {table} SET experiment_id = ?", (int(experiment),))
        database.execute("COMMIT")
        database.execute("DETACH DATABASE old")


def _tables(database: sqlite3.Connection, column: str) -> list[str]:
    """The tables that have a column of that name."""
    tables = [name for (name,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
    return [name for name in tables if column in _columns(database, name)]


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [column[1] for column in database.execute(f"PRAGMA main.table_info({table})")]


def _insert(database: sqlite3.Connection, table: str, column: str, values: Sequence[str]) -> None:
    columns = _columns(database, table)
    if columns and values:
        listed, marks = ", ".join(columns), ",".join("?" * len(values))
        database.execute(
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM old.{table} WHERE {column} IN ({marks})", list(values)
        )


def _copy_artifacts(
    connection: Connection, target: Connection, parent: Run, others: Iterable[str], histories: Iterable[str]
) -> None:
    """Copy all files of the sweep, and the histories of runs that it reuses from other sweeps."""
    _copy(connection, target, parent.info.run_id, "")
    wanted = [history.removeprefix("runs:/").partition("/") for history in histories]
    for run_id, _, path in wanted:
        if run_id in others:
            _copy(connection, target, run_id, path)
    for experiment in experiments_of(target):
        for model in models_of(target, experiment):
            source = connection.client.get_logged_model(model.model_id)
            old = own_folder(connection, model.model_id, source.artifact_location)
            new = own_folder(target, model.model_id, model.artifact_location)
            if old and new:
                _copy_files(old, new, "")


def _copy(connection: Connection, target: Connection, run_id: str, path: str) -> None:
    old, new = _folder(connection, run_id), _folder(target, run_id)
    if old and new:
        _copy_files(old, new, path)


def _copy_files(old: Path, new: Path, path: str) -> None:
    for file in sorted((old / path).rglob("*")):
        if file.is_file() and is_inside(file, old):  # a link may lead to a file outside of the sweep
            copy = new / file.relative_to(old)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)  # without its permissions: the copy of a read-only file is writable
