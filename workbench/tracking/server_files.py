"""The files of several runs in one answer of a server, and those of one run in one message to it, as a zip.

Nothing in them is interpreted. They are the files that a sweep consists of (`files_message`), of runs whose artifacts
lie where MLflow puts them by itself: an experiment may name the folder of another one for its artifacts.
"""

from __future__ import annotations

import json
import posixpath
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from workbench.tracking import names
from workbench.tracking.files_message import (
    EVERY_PACK,
    LIST_OF_CONTENTS,
    MOST_FILES_ASKED,
    MOST_UNPACKED,
    Wanted,
    is_kept,
)
from workbench.tracking.mlflow_internals import (
    add_server_artifact,
    copy_server_artifact,
    server_artifact_names,
    server_artifacts_of,
)
from workbench.tracking.pack_message import BadMessage
from workbench.tracking.questions import TABLES_OF_ALL
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


def without_tables_of_many(wanted: Wanted, folder: str, most: int) -> Wanted:
    """The same without tables of every pack if there are more than `most` packs."""
    if not any(path in TABLES_OF_ALL for path in wanted.files):
        return wanted
    if len(server_artifact_names(posixpath.join(folder, names.PACKS))) <= most:
        return wanted
    return replace(wanted, files=tuple(path for path in wanted.files if path not in TABLES_OF_ALL))


def zipped(
    wanted: Sequence[Wanted], folders: Sequence[str], further: Mapping[str, object] | None = None
) -> Iterator[bytes]:
    """The answer, in parts: no more than one of them is in memory. Its list of contents has `further` entries."""
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
        archive.writestr(LIST_OF_CONTENTS, json.dumps({"missing": missing, "packs": packs, **(further or {})}))
    yield sink.taken()


def _added(archive: ZipFile, sink: _Sink, name: str, file: Path) -> Iterator[bytes]:
    """A file put into the archive under this name, in parts."""
    with file.open("rb") as source, archive.open(name, "w", force_zip64=True) as entry:
        while part := source.read(_PART):
            entry.write(part)
            yield sink.taken()


def keep_all(folder: str, message: bytes) -> int:
    """Keep the files of a zip in a folder of the server's place for artifacts; how many there are. Raises BadMessage,
    and then none is kept.
    """
    with TemporaryDirectory() as scratch:
        try:
            with ZipFile(BytesIO(message)) as archive:
                found = _unpacked(archive, Path(scratch))
        except (BadZipFile, zlib.error, EOFError) as error:
            raise BadMessage("the message: found no whole zip") from error
        for path, file in found.items():
            add_server_artifact(posixpath.dirname(posixpath.join(folder, path)), file)
    return len(found)


def _unpacked(archive: ZipFile, scratch: Path) -> dict[str, Path]:
    """The files of a zip by their paths in it, each in a folder of its own here."""
    entries = archive.infolist()
    for entry in entries:
        if not is_kept(entry.filename) or entry.flag_bits & 1 or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadMessage(
                f"the message: found {entry.filename!r:.80}; allowed: files of a sweep, stored or deflated"
            )
    size = sum(entry.file_size for entry in entries)
    if not 0 < len(entries) <= MOST_FILES_ASKED or size > MOST_UNPACKED:
        found = f"{len(entries)} files of {size:,} bytes"
        raise BadMessage(f"the message: found {found}; allowed: 1 to {MOST_FILES_ASKED} of {MOST_UNPACKED:,} bytes")
    files = {}
    for number, entry in enumerate(entries):
        file = files[entry.filename] = scratch / f"{number}" / posixpath.basename(entry.filename)
        file.parent.mkdir()
        with archive.open(entry) as source, file.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    return files


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
