"""The disk use of sweeps, and the deletion of a sweep for good."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.addresses import local_path
from workbench.config import meant
from workbench.engine.errors import BadInput
from workbench.filenames import folder_of, remove
from workbench.sweep.execution.log import warn
from workbench.tracking import names
from workbench.tracking.confined import RUN_ID, own_folder
from workbench.tracking.connection import Connection, connect, connect_to_read, one_line, parents, search
from workbench.tracking.holder import hold
from workbench.tracking.listed_sizes import ListedSizes
from workbench.tracking.mlflow_internals import delete_for_good, delete_model_for_good
from workbench.tracking.models import models_of
from workbench.tracking.plan_table import STANDING, standing

if TYPE_CHECKING:
    from mlflow.entities import Run


ARTIFACTS_OF_A_RUN = "artifacts"  # MLflow's name of the folder <run id>/artifacts


@dataclass(frozen=True)
class Size:
    """The size of all sweeps of one name: counts of sweeps and runs, bytes of their artifacts (None: unknown), and
    their approximate share of the database in bytes (None: unknown, as the store is no file).
    """

    name: str
    sweeps: int
    runs: int
    artifacts: int | None
    database: int | None


def sizes(uri: str | None = None) -> list[Size]:
    """The size of each name's sweeps, in the order in which the names were first used. Nothing is written."""
    connection = connect_to_read(uri)
    with one_line(connection.location):
        by_name: dict[str, list[Run]] = {}
        for parent in parents(connection):
            by_name.setdefault(parent.data.tags[names.SWEEP], []).append(parent)
        counts = {name: sum(_children_planned(connection, run) for run in runs) for name, runs in by_name.items()}
        file = connection.location.file
        share = file.stat().st_size / max(sum(counts.values()), 1) if file else None
        listed = ListedSizes(connection)
        artifacts = {name: _artifacts_size(connection, runs, listed) for name, runs in reversed(by_name.items())}
        return [
            Size(name, len(runs), counts[name], artifacts[name], None if share is None else round(share * counts[name]))
            for name, runs in by_name.items()
        ]


def refuse_unknown(name: str, uri: str | None = None) -> None:
    """Raise BadInput if the store is missing or holds no sweep of that name. Nothing is written."""
    connection = connect_to_read(uri)
    with one_line(connection.location):
        if not _everything_of(connection, name):
            raise BadInput(_none_of(name, connection))


def delete(name: str, uri: str | None = None) -> int:
    """Delete every sweep of that name, and a search's batches, with runs and artifacts. Returns the number of runs.

    It may be repeated if it was interrupted. Raises BadInput if there is none, if another process trains it, and if
    other sweeps show its runs.
    """
    connection = connect(uri)
    with one_line(connection.location):
        everything = _everything_of(connection, name)
        sweeps = [run for run in everything if run.data.tags.get(names.KIND) != names.RUN_KIND]
        if not everything:
            raise BadInput(_none_of(name, connection))
        children = [run for run in everything if run not in sweeps]
        _refuse_if_shown_elsewhere(connection, name, {run.info.run_id for run in children})
        with ExitStack() as holds:
            for experiment in sorted({run.info.experiment_id for run in sweeps}):
                holds.enter_context(hold(connection, experiment, name, warn))
            for run in sweeps:  # from now on its runs are neither reused nor shown
                if run.info.lifecycle_stage == "active":
                    connection.client.delete_run(run.info.run_id)
            _delete_models(connection, children)
            for run in [*children, *sweeps]:
                _delete(connection, run)
    if connection.location.file:
        _shrink(connection.location.file)
    return len(children)


def artifacts_of(run: Run) -> Path | None:
    """The folder of a run's artifacts. None if a server holds them, or if the folder is not named like a run's: a store
    that somebody else made may name any folder.
    """
    folder, own = local_path(run.info.artifact_uri), (run.info.run_id, ARTIFACTS_OF_A_RUN)
    if folder is None or not RUN_ID.fullmatch(run.info.run_id):
        return None
    try:
        return folder if folder.parts[-2:] == folder.resolve().parts[-2:] == own else None
    except (OSError, ValueError, RuntimeError):  # a NUL in the path, or a loop of symbolic links
        return None


def size_of(folder: Path) -> int:
    """Bytes of all files in and below a folder. Symbolic links are not followed."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def _everything_of(connection: Connection, name: str) -> list[Run]:
    """Every run of the sweeps of that name, also those that a person deleted in MLflow's UI."""
    return [run for view in ("active", "deleted") for run in search(connection, "", view) if _is_of(run, name)]


def _none_of(name: str, connection: Connection) -> str:
    known = dict.fromkeys(run.data.tags[names.SWEEP] for run in parents(connection))
    guess = meant(name, known).strip()
    return f"sweep: {connection.location.shown} holds none called {name!r:.200}{f'; {guess}' if guess else ''}"


def _is_of(run: Run, name: str) -> bool:
    """Whether a run belongs to the sweep of that name, or to a batch of that search."""
    batch = rf"{re.escape(names.tag(name))}(/trials-\d+-\d+)?"
    return re.fullmatch(batch, str(run.data.tags.get(names.SWEEP, ""))) is not None


def _children_planned(connection: Connection, parent: Run) -> int:
    return standing(connection, parent, STANDING).num_rows


def _artifacts_size(connection: Connection, runs: Sequence[Run], listed: ListedSizes) -> int | None:
    """Bytes of the artifacts of these runs; None if those of one are unknown, as in a folder that is not the run's."""
    total = 0
    for run in runs:
        folder, address = artifacts_of(run), run.info.artifact_uri
        on_a_server = connection.location.file is None and local_path(address) is None
        size = size_of(folder) if folder else listed.of(address) if on_a_server else None
        if size is None:
            return None
        total += size
    return total


def _refuse_if_shown_elsewhere(connection: Connection, name: str, runs: set[str]) -> None:
    for parent in parents(connection):
        if _is_of(parent, name):
            continue
        shown = runs & set(standing(connection, parent, (*STANDING, "origin"))["origin"].to_pylist())
        if shown:
            other = parent.data.tags[names.SWEEP]
            raise BadInput(
                f"sweep: {len(shown)} runs of {name!r} are shown in {other!r} as well; delete that one first"
            )


def _delete(connection: Connection, run: Run) -> None:
    """Delete a run for good if this process can; else mark it as deleted, for `mlflow gc` to remove."""
    folder = artifacts_of(run)
    if own := own_folder(connection, run.info.run_id, run.info.artifact_uri):
        remove(own.parent)
    elif folder and folder.exists():
        warn(f"{folder} lies outside the store and is not deleted")
    if not delete_for_good(connection.client, run.info.run_id) and run.info.lifecycle_stage == "active":
        connection.client.delete_run(run.info.run_id)


def _delete_models(connection: Connection, children: Sequence[Run]) -> None:
    """What `analyses=model` kept of these runs, before they go."""
    ids = {run.info.run_id for run in children}
    for experiment in sorted({run.info.experiment_id for run in children}):
        for model in models_of(connection, experiment, ids):
            if own := own_folder(connection, model.model_id, model.artifact_location):
                remove(own.parent)
            connection.client.delete_logged_model(model.model_id)
            delete_model_for_good(connection.client, model.model_id)


def _shrink(file: Path) -> None:
    """Return free space of the database to the file system, unless another process uses it."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=1.0)) as database:
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def folders_of(names_of_sweeps: Sequence[str], root: Path) -> dict[str, int]:
    """Bytes of the sweeps' own folders (checkpoints and logs) below `root`, by name."""
    return {name: size_of(folder) for name in names_of_sweeps if (folder := folder_of(root, name)).is_dir()}
