"""The files of several runs in one answer of a server: read one after the other, and sent as they are, as a zip.

Nothing in them is interpreted. They are the files that a sweep consists of (`files_message`), of runs whose artifacts
lie where MLflow puts them by itself: an experiment may name the folder of another one for its artifacts.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast
from zipfile import ZIP_STORED, ZipFile

from workbench.tracking import names
from workbench.tracking.files_message import EVERY_PACK, LIST_OF_CONTENTS, Wanted
from workbench.tracking.mlflow_internals import copy_server_artifact, server_artifact_names, server_artifacts_of
from workbench.tracking.pack_message import BadMessage
from workbench.untyped import MlflowPart

_PART = 2**20  # bytes


def folders_of(store: MlflowPart, wanted: Sequence[Wanted]) -> list[str]:
    """Where the artifacts of each run lie in the server's own place for them. Raises BadMessage if they lie elsewhere,
    and MLflow's exception for a run that is not there.
    """
    return [_folder(store, one.run_id) for one in wanted]


def _folder(store: MlflowPart, run_id: str) -> str:
    info = store.get_run(run_id).info
    folder = server_artifacts_of(info.artifact_uri)
    if folder != f"{info.experiment_id}/{run_id}/artifacts":
        raise BadMessage(f"run_id: the artifacts of {run_id} do not lie where MLflow puts them; ask for each by itself")
    return folder


def zipped(wanted: Sequence[Wanted], folders: Sequence[str]) -> Iterator[bytes]:
    """The answer, in parts: no more than one of them is in memory."""
    sink = _Sink()
    missing: list[str] = []
    packs: dict[str, dict[str, list[str]]] = {}
    with (
        TemporaryDirectory() as scratch,
        ZipFile(cast("IO[bytes]", sink), "w", ZIP_STORED) as archive,  # it only writes and flushes
    ):
        copy = Path(scratch, "file")
        for one, folder in zip(wanted, folders, strict=True):
            run = _Files(folder)
            if one.packs:
                packs[one.run_id] = {pack: run.names(f"{names.PACKS}/{pack}") for pack in run.names(names.PACKS)}
            for path in run.paths(one.files):
                if not run.has(path):
                    missing.append(f"{one.run_id}/{path}")
                elif run.copied(path, copy):
                    yield from _added(archive, sink, f"{one.run_id}/{path}", copy)
        archive.writestr(LIST_OF_CONTENTS, json.dumps({"missing": missing, "packs": packs}))
    yield sink.taken()


def _added(archive: ZipFile, sink: _Sink, name: str, file: Path) -> Iterator[bytes]:
    """A file put into the archive under this name, in parts."""
    with file.open("rb") as source, archive.open(name, "w", force_zip64=True) as entry:
        while part := source.read(_PART):
            entry.write(part)
            yield sink.taken()


class _Files:
    """The artifacts of a run."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.names = cache(lambda path: server_artifact_names(posixpath.join(folder, path).rstrip("/")))

    def paths(self, asked: Sequence[str]) -> list[str]:
        """The paths asked for, with each pack's in place of those of every pack."""
        found: dict[str, None] = {}
        for path in asked:
            file = path.removeprefix(EVERY_PACK)
            every = [path] if file == path else [f"{names.PACKS}/{pack}/{file}" for pack in self.names(names.PACKS)]
            found |= dict.fromkeys(every)
        return list(found)

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return posixpath.basename(path) in self.names(posixpath.dirname(path))

    def copied(self, path: str, copy: Path) -> bool:
        """Whether a file could be copied; each kind of place says in another way that it cannot be read."""
        try:
            copy_server_artifact(posixpath.join(self._folder, path), copy)
        except Exception:
            return False
        return True


class _Sink:
    """A file that only grows, and is emptied on the way."""

    def __init__(self) -> None:
        self._kept = BytesIO()

    def write(self, data: bytes) -> int:
        """Take more."""
        return self._kept.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What came since the last time."""
        content = self._kept.getvalue()
        self._kept = BytesIO()
        return content
