"""What sweeps take on disk, and one of them taken away for good."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from workbench.engine.errors import BadInput
from workbench.tracking import names
from workbench.tracking.confined import own_folder
from workbench.tracking.connection import Connection, connect, one_line, parents, search
from workbench.tracking.plan import STANDING, standing

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class Size:
    """What the sweeps of one name take: how many they are, their runs, bytes of their artifacts and, where the store
    is a file, about how many bytes of it.
    """

    name: str
    sweeps: int
    runs: int
    artifacts: int
    database: int


def sizes(uri: str | None = None) -> list[Size]:
    """What is held under each name, in the order in which the names came up."""
    connection = connect(uri)
    with one_line(connection.location):
        by_name: dict[str, list[Run]] = {}
        for parent in parents(connection):
            by_name.setdefault(parent.data.tags[names.SWEEP], []).append(parent)
        counts = {name: sum(_children_planned(connection, run) for run in runs) for name, runs in by_name.items()}
        file = connection.location.file
        share = (file.stat().st_size if file else 0) / max(sum(counts.values()), 1)
        return [
            Size(name, len(runs), counts[name], sum(map(_artifacts_size, runs)), round(share * counts[name]))
            for name, runs in by_name.items()
        ]


def delete(name: str, uri: str | None = None) -> int:
    """Take away every sweep of that name (of a search, its batches too) with runs and artifacts; how many runs it was.

    It may be repeated where it was cut off. Raises BadInput if there is none, and where other sweeps show runs of it.
    """
    connection = connect(uri)
    with one_line(connection.location):
        everything = [run for view in ("active", "deleted") for run in search(connection, "", view)]
        everything = [run for run in everything if _is_of(run, name)]
        sweeps = [run for run in everything if run.data.tags.get(names.KIND) != names.RUN_KIND]
        if not everything:
            raise BadInput(f"sweep: {connection.location.shown} holds none called {name!r}")
        children = [run for run in everything if run not in sweeps]
        _refuse_if_shown_elsewhere(connection, name, {run.info.run_id for run in children})
        for run in sweeps:  # from here on nothing of it is held, nor shown
            if run.info.lifecycle_stage == "active":
                connection.client.delete_run(run.info.run_id)
        for run in [*children, *sweeps]:
            _delete(connection, run)
    if connection.location.file:
        _shrink(connection.location.file)
    return len(children)


def local(uri: str | None) -> Path | None:
    """The folder of an artifact URI; None where artifacts lie with a server."""
    parts = urlsplit(uri or "")
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") and parts.path else None


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder and below."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _is_of(run: Run, name: str) -> bool:
    """Whether a run belongs to the sweep of that name, or to a batch of that search."""
    sweep = run.data.tags.get(names.SWEEP, "")
    return sweep == names.tag(name) or sweep.startswith(names.tag(f"{name}/"))


def _children_planned(connection: Connection, parent: Run) -> int:
    return standing(connection, parent, STANDING).num_rows


def _artifacts_size(run: Run) -> int:
    folder = local(run.info.artifact_uri)
    return size_of(folder) if folder else 0


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
    """For good where this process can, else for MLflow's own `mlflow gc` to finish."""
    folder = own_folder(connection, run.info.run_id, run.info.artifact_uri)
    if folder:
        shutil.rmtree(folder.parent, ignore_errors=True)
    store: Any = getattr(getattr(connection.client, "_tracking_client", None), "store", None)
    if hasattr(store, "_hard_delete_run"):
        store._hard_delete_run(run.info.run_id)
    elif run.info.lifecycle_stage == "active":
        connection.client.delete_run(run.info.run_id)


def _shrink(file: Path) -> None:
    """Give the space back to the file system, unless another process is using the database."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=1.0)) as database:
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def folders_of(names_of_sweeps: Sequence[str], root: Path) -> dict[str, int]:
    """Bytes of the sweeps' own folders (checkpoints and logs) below `root`, by name."""
    return {name: size_of(root / name) for name in names_of_sweeps if (root / name).is_dir()}
