"""Files of a parent run: put there, and fetched as tables."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.tracking.connection import Connection


def put(connection: Connection, run_id: str, files: Mapping[str, Any]) -> None:
    """Writes artifacts of a run: path inside the run -> text, or a pyarrow table for Parquet. Existing ones go."""
    import pyarrow.parquet as parquet

    with tempfile.TemporaryDirectory() as scratch:
        for path, content in files.items():
            folder, name = posixpath.split(path)
            file = Path(scratch) / name
            if isinstance(content, str):
                file.write_bytes(content.encode("utf-8", "replace"))
            else:
                parquet.write_table(content, file, compression="zstd")
            connection.client.log_artifact(run_id, str(file), folder or None)


def read_table(connection: Connection, root: str, path: str, columns: Sequence[str] | None = None) -> Any:
    """The Parquet artifact `path` under a run's artifact URI `root` as a pyarrow table; None if it is not there."""
    import pyarrow.parquet as parquet

    with tempfile.TemporaryDirectory() as scratch:
        file = _fetch(connection, root, path, scratch)
        return None if file is None else parquet.read_table(file, columns=columns and list(columns), memory_map=False)


def read_text(connection: Connection, root: str, path: str) -> str | None:
    """The text artifact `path` under a run's artifact URI `root`; None if it is not there."""
    with tempfile.TemporaryDirectory() as scratch:
        file = _fetch(connection, root, path, scratch)
        return None if file is None else file.read_text(encoding="utf-8")


def listing(connection: Connection, root: str, path: str) -> list[str]:
    """The names inside the folder `path`, none if it is not there."""
    from mlflow.artifacts import list_artifacts

    found = list_artifacts(artifact_uri=posixpath.join(root, path), tracking_uri=connection.location.uri)
    return sorted(posixpath.basename(one.path) for one in found)


def _fetch(connection: Connection, root: str, path: str, scratch: str) -> Path | None:
    """The file itself where artifacts are local (MLflow would copy it otherwise), else a download into `scratch`."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    local = root.startswith(("file:", "/"))
    where = {} if local else {"dst_path": scratch}
    try:
        return Path(download_artifacts(artifact_uri=f"{root}/{path}", tracking_uri=connection.location.uri, **where))
    except (MlflowException, FileNotFoundError):
        # What a missing file is called differs between MLflow's kinds of artifact stores: ask whether it is listed.
        folder, name = posixpath.split(path)
        if name in listing(connection, root, folder):
            raise
        return None
