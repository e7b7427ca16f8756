"""Paths that are confined to a store.

A store that somebody else made is hostile input. No address in it may make us delete files outside of it, not even
artifacts of another store.
"""

from __future__ import annotations

import re
from pathlib import Path

from workbench.addresses import local_path
from workbench.tracking.connection import Connection

RUN_ID = re.compile(r"[0-9a-f]{32}")  # as MLflow makes them
MODEL_ID = re.compile(r"m-[0-9a-f]{32}")


def own_folder(connection: Connection, run_id: str, artifact_uri: str | None) -> Path | None:
    """The folder of a run's artifacts, or of a model's, if it is this SQLite store's own: <store>/.../<id>/artifacts.

    None for any other folder, and if a symbolic link on the way leads out of the store.
    """
    root, folder = connection.location.artifacts, local_path(artifact_uri)
    if root is None or folder is None or not (RUN_ID.fullmatch(run_id) or MODEL_ID.fullmatch(run_id)):
        return None
    try:
        real, inside = folder.resolve(), root.resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
        return None
    fits = real.name == "artifacts" and real.parent.name == run_id and inside in real.parent.parents
    return real if fits else None
