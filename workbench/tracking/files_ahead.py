"""Files of a server fetched together, ahead of those who read them, where a server sends them so (`server_files`).

Whoever reads an artifact asks for it as ever (`artifacts`), and finds it here. From a server that sends no files
together, or not these, each is asked for by itself.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from workbench.addresses import scheme_of
from workbench.tracking import names
from workbench.tracking.connection import Connection
from workbench.tracking.files_message import (
    EVERY_PACK,
    FILES_PATH,
    LIST_OF_CONTENTS,
    MOST_FILES_ASKED,
    MOST_RUNS_ASKED,
    Wanted,
    is_sent,
    message_for,
)
from workbench.tracking.mlflow_internals import save_answer
from workbench.tracking.pack_message import PACKS_PATH

if TYPE_CHECKING:
    from mlflow.entities import Run

_OF_A_SERVER = ("http", "https", "mlflow-artifacts")  # kinds of addresses of artifacts that come by way of a server


def state_of(parent: Run, *others: str, packs: bool = False) -> tuple[Run, Wanted]:
    """What the present state of a sweep's plan is read from, and other files of the sweep."""
    runs = [EVERY_PACK + names.RUNS] * (parent.data.tags.get(names.OUTCOME) == names.RUNNING)
    return parent, Wanted(parent.info.run_id, (names.PLAN, *runs, *others), packs or bool(runs))


@contextmanager
def fetched_together(connection: Connection, wanted: Sequence[tuple[Run, Wanted]]) -> Iterator[None]:
    """A context in which these files of runs are there, if the store is a server that sends files together."""
    sent = [
        replace(one, files=tuple(filter(is_sent, one.files)))
        for run, one in wanted
        if scheme_of(run.info.artifact_uri or "") in _OF_A_SERVER
    ]
    if not sent or not may_send(connection):
        yield
        return
    roots = {run.info.run_id: run.info.artifact_uri for run, _ in wanted}
    with tempfile.TemporaryDirectory() as scratch:
        found = _Found({}, {})
        for number, some in enumerate(_messages(sent)):
            found.add(_fetch(connection, some, roots, Path(scratch, str(number))))
        connection.files_ahead.update(found.files)
        connection.names_ahead.update(found.names)
        try:
            yield
        finally:
            for place in found.files:
                connection.files_ahead.pop(place, None)
            for place in found.names:
                connection.names_ahead.pop(place, None)


@dataclass(frozen=True)
class _Found:
    """As `Connection` has them."""

    files: dict[tuple[str, str], Path | None]
    names: dict[tuple[str, str], list[str]]

    def add(self, other: _Found) -> None:
        self.files.update(other.files)
        self.names.update(other.names)


def may_send(connection: Connection) -> bool:
    """Whether the store may be a server that sends files together: one that takes no packs does not."""
    is_server = scheme_of(connection.location.uri) in ("http", "https")
    return is_server and connection.offers.get(FILES_PATH, connection.offers.get(PACKS_PATH, True))


def _messages(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """What is asked for at a time."""
    part: list[Wanted] = []
    for one in wanted:
        if part and (
            len(part) == MOST_RUNS_ASKED or sum(len(other.files) for other in (*part, one)) > MOST_FILES_ASKED
        ):
            yield part
            part = []
        part.append(one)
    yield part


def _fetch(connection: Connection, wanted: Sequence[Wanted], roots: Mapping[str, str], scratch: Path) -> _Found:
    """What a server sends of this; nothing if it refuses, as it then does for each file, and says why."""
    scratch.mkdir()
    archive = scratch / "answer"
    if connection.offers.get(FILES_PATH, True):
        with connection.waiting():
            status = save_answer(connection.client, FILES_PATH, message_for(wanted), archive)
        connection.offers[FILES_PATH] = status == 200
    if not connection.offers[FILES_PATH]:
        return _Found({}, {})
    try:
        return _unpacked(archive, roots, scratch)
    except (BadZipFile, KeyError, ValueError, TypeError, AttributeError):  # an answer of somebody else's
        connection.offers[FILES_PATH] = False
        return _Found({}, {})
    finally:
        archive.unlink()


def _unpacked(archive: Path, roots: Mapping[str, str], scratch: Path) -> _Found:
    """The files of an answer under names of our own, so that no name in it leads out of the folder."""
    found = _Found({}, {})
    with ZipFile(archive) as answer:
        index = json.loads(answer.read(LIST_OF_CONTENTS))
        for number, name in enumerate(answer.namelist()):
            run_id, _, path = name.partition("/")
            if run_id in roots and is_sent(path):
                file = scratch / f"{number}"
                with answer.open(name) as source, file.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                found.files[roots[run_id], path] = file
    for name in index["missing"]:
        run_id, _, path = name.partition("/")
        found.files[roots[run_id], path] = None
    for run_id, packs in index["packs"].items():
        found.names[roots[run_id], names.PACKS] = sorted(packs)
        for pack, files in packs.items():
            found.names[roots[run_id], f"{names.PACKS}/{pack}"] = sorted(files)
    return found
