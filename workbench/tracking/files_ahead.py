"""Files that lie elsewhere fetched ahead of those who read them: together, where a server sends them so
(`server_files`), else each by itself, but several at a time.

Whoever reads an artifact asks for it as ever (`artifacts`), and finds it here.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from workbench.addresses import local_path, scheme_of
from workbench.engine.errors import BadInput
from workbench.tracking import names
from workbench.tracking.connection import Connection, Page
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
from workbench.tracking.mlflow_internals import experiments_in, runs_in, save_answer
from workbench.tracking.pack_message import PACKS_PATH
from workbench.tracking.several_at_a_time import Place, files_in, names_of_packs

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

_OF_A_SERVER = ("http", "https", "mlflow-artifacts")  # kinds of addresses of artifacts that come by way of a server


def state_of(parent: Run, *others: str, packs: bool = False) -> tuple[Run, Wanted]:
    """What the present state of a sweep's plan is read from, and other files of the sweep."""
    runs = [EVERY_PACK + names.RUNS] * (parent.data.tags.get(names.OUTCOME) == names.RUNNING)
    return parent, Wanted(parent.info.run_id, (names.PLAN, *runs, *others), packs or bool(runs))


@dataclass(frozen=True)
class Ahead:
    """What was fetched, each part as `Connection` has it."""

    files: dict[tuple[str, str], Path | None] = field(default_factory=dict)
    names: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: set[tuple[str, str]] = field(default_factory=set)
    experiments: list[Page[Experiment]] = field(default_factory=list)
    runs: dict[tuple[str, str, tuple[str, ...]], Page[Run]] = field(default_factory=dict)

    def add(self, other: Ahead) -> None:
        """Take what another answer brought of files."""
        self.files.update(other.files)
        self.names.update(other.names)
        self.asked.update(other.asked)


@contextmanager
def fetched_together(connection: Connection, wanted: Sequence[tuple[Run, Wanted]]) -> Iterator[None]:
    """A context in which these files of runs are there, unless they are files of this machine. What is there already is
    not asked for.
    """
    left = [
        one
        for run, asked in wanted
        if local_path(run.info.artifact_uri) is None and (one := _left(connection, run, asked))
    ]
    if not left:
        yield
        return
    roots = {run.info.run_id: run.info.artifact_uri or "" for run, _ in wanted}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:  # after Ctrl-C a thread may yet write
        found, alone = _sent_together(connection, left, roots, Path(scratch))
        found.add(_sent_alone(connection, alone, roots, Path(scratch, "alone")))
        with there(connection, found):
            yield


@contextmanager
def packs_named(connection: Connection, parents: Iterable[Run]) -> Iterator[None]:
    """A context in which the names of these sweeps' packs are there, unless they lie on this machine."""
    roots = [parent.info.artifact_uri or "" for parent in parents]
    found = names_of_packs(connection, (root for root in roots if local_path(root) is None))
    with there(connection, Ahead(names=found)):
        yield


@contextmanager
def there(connection: Connection, found: Ahead) -> Iterator[None]:
    """A context in which this is there, beside what was."""
    files, listed = (
        found.files.keys() - connection.files_ahead.keys(),
        found.names.keys() - connection.names_ahead.keys(),
    )
    asked, runs = found.asked - connection.asked_ahead, found.runs.keys() - connection.runs_ahead.keys()
    experiments = list(connection.experiments_ahead)
    connection.files_ahead.update({place: found.files[place] for place in files})
    connection.names_ahead.update({place: found.names[place] for place in listed})
    connection.runs_ahead.update({search: found.runs[search] for search in runs})
    connection.asked_ahead.update(asked)
    connection.experiments_ahead[:] = experiments or found.experiments
    try:
        yield
    finally:
        for place in files:
            del connection.files_ahead[place]
        for place in listed:
            del connection.names_ahead[place]
        for search in runs:
            del connection.runs_ahead[search]
        connection.asked_ahead.difference_update(asked)
        connection.experiments_ahead[:] = experiments


def _left(connection: Connection, run: Run, wanted: Wanted) -> Wanted | None:
    """What is still to be asked for of this; None if it is nothing."""
    root = run.info.artifact_uri
    known = {path for place, path in (*connection.files_ahead, *connection.asked_ahead) if place == root}
    files = tuple(path for path in wanted.files if is_sent(path) and path not in known)
    packs = wanted.packs and (root, names.PACKS) not in connection.names_ahead
    return Wanted(wanted.run_id, files, packs) if files or packs else None


def may_send(connection: Connection) -> bool:
    """Whether the store may be a server that sends files together: one that takes no packs does not."""
    is_server = scheme_of(connection.location.uri) in ("http", "https")
    return is_server and connection.offers.get(FILES_PATH, connection.offers.get(PACKS_PATH, True))


def _messages(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """What is asked for in a message."""
    part: list[Wanted] = []
    for one in wanted:
        if part and (
            len(part) == MOST_RUNS_ASKED or sum(len(other.files) for other in (*part, one)) > MOST_FILES_ASKED
        ):
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def _sent_together(
    connection: Connection, wanted: Sequence[Wanted], roots: Mapping[str, str], scratch: Path
) -> tuple[Ahead, list[Wanted]]:
    """What a server sends of this, and what it does not: what lies elsewhere, or it refuses."""
    found, alone = Ahead(), [one for one in wanted if scheme_of(roots[one.run_id]) not in _OF_A_SERVER]
    of_a_server = [one for one in wanted if scheme_of(roots[one.run_id]) in _OF_A_SERVER]
    for number, some in enumerate(_messages(of_a_server)):
        answer = _fetch(connection, some, roots, scratch / str(number)) if may_send(connection) else None
        if answer is None:
            alone += some
        else:
            found.add(answer)
    return found, alone


def _fetch(connection: Connection, wanted: Sequence[Wanted], roots: Mapping[str, str], scratch: Path) -> Ahead | None:
    """What a server sends of this; None if it refuses, as it may then do for each file, and says why."""
    scratch.mkdir()
    _, found = answer_to(connection, message_for(wanted), roots, scratch)
    connection.offers[FILES_PATH] = found is not None
    return found


def _sent_alone(connection: Connection, wanted: Sequence[Wanted], roots: Mapping[str, str], scratch: Path) -> Ahead:
    """The files of this, each asked for by itself. What all packs have is not: who needs it asks (`packs_named`)."""
    in_packs = [roots[one.run_id] for one in wanted if any(path.startswith(EVERY_PACK) for path in one.files)]
    listed = names_of_packs(connection, in_packs)
    return Ahead(files_in(connection, _places(wanted, roots, {**connection.names_ahead, **listed}), scratch), listed)


def _places(
    wanted: Sequence[Wanted], roots: Mapping[str, str], listed: Mapping[Place, Sequence[str]]
) -> Iterator[Place]:
    """Where these files lie, one in every pack in each of those that are listed."""
    for one in wanted:
        root = roots[one.run_id]
        for path in one.files:
            if path.startswith(EVERY_PACK):
                packs = listed.get((root, names.PACKS), ())
                yield from ((root, f"{names.PACKS}/{pack}/{path.removeprefix(EVERY_PACK)}") for pack in packs)
            else:
                yield root, path


def answer_to(
    connection: Connection, message: bytes, roots: Mapping[str, str], scratch: Path
) -> tuple[int, Ahead | None]:
    """The status of a server's answer to a message, and the answer; None if it refuses, or answers with anything else.

    `roots` are the addresses of artifacts by run; those of runs within the answer are added.
    """
    archive = scratch / "answer"
    with connection.waiting():
        status = save_answer(connection.client, FILES_PATH, message, archive)
    try:
        return status, _unpacked(archive, roots, scratch) if status == 200 else None
    except (OSError, BadInput):  # a full disk, or another version of MLflow
        raise
    except Exception:  # what somebody else's answer leads a parser to
        return status, None
    finally:
        archive.unlink()


def _unpacked(archive: Path, roots: Mapping[str, str], scratch: Path) -> Ahead:
    """What is in an answer; files under names of our own, so that no name in it leads out of the folder."""
    with ZipFile(archive) as answer:
        index = json.loads(answer.read(LIST_OF_CONTENTS))
        found = _searched(index.get("answers", []))
        runs = (run for page in found.runs.values() for run in page)
        roots = {**{run.info.run_id: run.info.artifact_uri for run in runs}, **roots}
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
    for one in index.get("runs", []):
        found.asked.update((roots[one["run_id"]], path) for path in one["files"])
    return found


def _searched(answers: Sequence[Mapping[str, str]]) -> Ahead:
    """The answers of MLflow's that come along: the first has the experiments that were looked into, if there is any."""
    found = Ahead()
    for number, one in enumerate(answers):
        text = json.dumps(one["answer"])
        if number == 0:
            found.experiments.append(experiments_in(text))
            ids = tuple(experiment.experiment_id for experiment in found.experiments[0])
        else:
            found.runs[one["conditions"], one["view"], ids] = runs_in(text)
    return found
