"""The connection to MLflow, whose errors become one line."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from workbench.addresses import scheme_of
from workbench.engine.errors import BadInput, first_line
from workbench.tracking import names
from workbench.tracking.database import prepare, readable
from workbench.tracking.location import Location, database_uri, locate
from workbench.tracking.patience import WAIT_SECONDS, Patience
from workbench.tracking.quiet_mlflow import import_quietly

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

PAGE_SIZE = 1000  # of what is asked for at a time
ACTIVE, DELETED, EVERY = "active", "deleted", "all"  # views: of runs that a person deleted in the UI, or did not
OLDEST_FIRST = "attributes.start_time ASC"
OF_SWEEPS = f"tags.`{names.KIND}` = '{names.SWEEP_KIND}'"  # conditions that parent runs meet
OF_RUNS = f"tags.`{names.KIND}` = '{names.RUN_KIND}'"  # and that their children meet
_SHOWN_OF_AN_ANSWER = 200  # characters of what a parser says
_STATUS = {  # status of an answer -> what that means for a person
    "401": "it does not know this log-in; it is read from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
    "MLFLOW_TRACKING_TOKEN or ~/.mlflow/credentials",
    "403": "whoever is logged in may not do this there, or there is no such address",
    "404": "there is no MLflow server at this address, or it lacks what was asked for",
}
Answer = TypeVar("Answer")
Item = TypeVar("Item", covariant=True)


class Page(Protocol[Item]):
    """A page of one of MLflow's answers, and the token of the next one."""

    token: str | None

    def __iter__(self) -> Iterator[Item]: ...


@dataclass(frozen=True)
class Connection:
    """An open store: MLflow's client, its location, and how long a server may keep us waiting.

    `database` is the open file of an SQLite store. It is a copy if the store is not writable.
    """

    client: MlflowClient
    location: Location
    database: Path | None = None
    patience: Patience = field(default_factory=lambda: Patience(""))
    roots: dict[str, str] = field(default_factory=dict)  # run id -> address of its artifacts, which never changes
    offers: dict[str, bool] = field(default_factory=dict)  # path -> whether a server has it besides MLflow's own
    experiments: dict[str, str] = field(default_factory=dict)  # id -> name, of a server's as they were last listed
    opened_with: list[list[str]] = field(default_factory=list)  # the ids that it was opened with, until they are used
    # What `fetched_together` has brought of artifacts elsewhere, by the address of a run's artifacts and a path:
    files_ahead: dict[tuple[str, str], Path | None] = field(default_factory=dict)  # None: there is no such file
    names_ahead: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # of what is in a folder
    asked_ahead: set[tuple[str, str]] = field(default_factory=set)  # what was asked for, `packs/*/` included
    experiments_ahead: list[Page[Experiment]] = field(default_factory=list)  # the first page of them, if any
    # The first page of a search, by its conditions, its view and the ids of its experiments:
    runs_ahead: dict[tuple[str, str, tuple[str, ...]], Page[Run]] = field(default_factory=dict)

    def waiting(self) -> AbstractContextManager[None]:
        """A context for one request to a server; a long wait is reported."""
        return nullcontext() if self.location.file else self.patience.waiting()

    def root_of(self, run_id: str) -> str:
        """The artifact URI of a run, requested from the store once."""
        if run_id not in self.roots:
            self.roots[run_id] = self.client.get_run(run_id).info.artifact_uri
        return self.roots[run_id]

    def patiently(self, act: Callable[[], Answer]) -> Answer:
        """The result of `act`, which is repeated while a server is unreachable. Raises BadInput for any error of the
        store.

        `act` may be repeated after a request whose answer was lost, so it must check for existing objects before
        creating any.
        """
        with one_line(self.location):
            return act() if self.location.file else self.patience.until_answered(act)


def connect(uri: str | None = None, patience: float = WAIT_SECONDS) -> Connection:
    """Open the store at `uri` (default: see `locate`) for writing; a missing SQLite database is created first.

    Raises BadInput if the store is unreachable, broken, or of a kind MLflow cannot use.
    """
    location = locate(uri)
    import_quietly()
    if location.file is not None:
        prepare(location.file)
    return _opened(location, location.uri, location.file, patience)


def connect_to_read(
    uri: str | None = None, patience: float = WAIT_SECONDS, ask: Callable[[Connection], None] = lambda _: None
) -> Connection:
    """Open the store at `uri` (default: see `locate`) for reading. Nothing is written into its folder. `ask` may ask a
    server first, for more than whether it is there.

    Raises BadInput if the store is missing, unreachable, broken, or of a kind MLflow cannot use.
    """
    location = locate(uri)
    import_quietly()
    if location.file is None:
        return _opened(location, location.uri, None, patience, ask)
    if not location.file.exists():
        raise BadInput(f"tracking.uri: there is no store {location.shown} yet; a sweep makes it")
    database = readable(location.file)
    own = database == location.file
    return _opened(location, location.uri if own else database_uri(database), database, patience)


def _opened(
    location: Location,
    uri: str,
    database: Path | None,
    patience: float,
    ask: Callable[[Connection], None] = lambda _: None,
) -> Connection:
    from mlflow import MlflowClient

    budget = Patience(location.shown, patience)
    if location.file is None:
        budget.tell_mlflow()
    with one_line(location):
        connection = Connection(MlflowClient(uri), location, database, budget)
        with connection.waiting():
            ask(connection)
            _first_request(connection)
    return connection


def _first_request(connection: Connection) -> None:
    """Open the store: the first call is the one that fails. Raises BadInput for a web server that is not MLflow's."""
    from mlflow.exceptions import MlflowException

    if scheme_of(connection.location.uri) not in ("http", "https"):
        connection.client.search_experiments(max_results=1)
        return
    try:
        ids = experiments_of(connection)
        connection.opened_with.extend([ids] if any(ids) else [])
        # It may hold none. Of one that nobody made, MLflow says that there is none; others say anything.
        strange = not any(ids) and connection.client.get_experiment_by_name(secrets.token_hex(8)) is not None
        reason = "it knows an experiment that nobody made" if strange else ""
    except Exception as error:  # what its answers lead a parser to
        if isinstance(error, MlflowException) and not re.search("valid JSON|error code 404", str(error)):
            raise
        reason = " ".join(str(error).split())[:_SHOWN_OF_AN_ANSWER]
    if reason:
        raise BadInput(
            f"tracking.uri: {connection.location.shown!r} answers, but not as an MLflow server does ({reason}); "
            "allowed: an address that mlflow server prints"
        )


@contextmanager
def one_line(location: Location) -> Iterator[None]:
    """A context in which errors of the store become a BadInput of one line."""
    import pyarrow
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    faults = (MlflowException, SQLAlchemyError, CommandError, pyarrow.ArrowException, sqlite3.Error, OSError)
    try:
        yield
    except faults as error:
        first = first_line(error)
        raise BadInput(f"tracking.uri: the store {location.shown} failed: {_understood(first)}") from error


def _understood(said: str) -> str:
    """What MLflow's client said, with what to do where the server's status tells."""
    status = re.search(r"(?:error code |^)(\d{3})\b", said)
    return f"{_STATUS[status[1]]} ({said})" if status and status[1] in _STATUS else said


def experiments_of(connection: Connection) -> list[str]:
    """The ids of all experiments of the store. A server was asked for them when it was opened, so the first who wants
    them asks nothing; whoever comes later asks again.
    """
    if connection.opened_with and not connection.experiments_ahead:
        return connection.opened_with.pop()
    listed = _pages(connection, connection.client.search_experiments, ahead=connection.experiments_ahead)
    found = {one.experiment_id: one.name for one in listed}
    if connection.location.file is None:
        connection.experiments.clear()
        connection.experiments.update(found)
    return list(found)


def experiment_called(connection: Connection, name: str) -> str:
    """The id of a server's experiment of this name as they were last listed; "" if none was among them."""
    return next((number for number, known in connection.experiments.items() if known == name), "")


def name_of_experiment(connection: Connection, number: str) -> str:
    """The name of an experiment, asked for unless it was listed."""
    return connection.experiments.get(number) or str(connection.client.get_experiment(number).name)


def search(
    connection: Connection, conditions: str, view: str = ACTIVE, experiments: Sequence[str] | None = None
) -> list[Run]:
    """All runs of the store that meet MLflow's filter `conditions`, in the order of their creation (`names.ORDER`).
    Runs of earlier versions, which have no order, come first, sorted by their start.

    `view` is ACTIVE, DELETED for those a person deleted in the UI, or EVERY; `experiments` are the ids of those to
    look into (default: all that the store has now).
    """
    from mlflow.entities import ViewType

    kind = {ACTIVE: ViewType.ACTIVE_ONLY, DELETED: ViewType.DELETED_ONLY, EVERY: ViewType.ALL}[view]
    experiments = experiments_of(connection) if experiments is None else list(experiments)
    arguments = {"run_view_type": kind, "order_by": [OLDEST_FIRST]}
    key = (conditions, view, tuple(experiments))
    ahead = [connection.runs_ahead[key]] if key in connection.runs_ahead else []
    return in_order(
        _pages(connection, connection.client.search_runs, experiments, conditions, ahead=ahead, **arguments)
    )


def in_order(runs: Iterable[Run]) -> list[Run]:
    """Runs in the order of their creation."""
    return sorted(runs, key=order_of)


def order_of(run: Run) -> int:
    """The place of a parent run in the order of creation, from 1; 0 if it was not recorded."""
    noted = run.data.tags.get(names.ORDER_TAG) or ""
    return int(noted) if noted.isascii() and noted.isdigit() and len(noted) < 16 else 0


def parents(connection: Connection, experiments: Sequence[str] | None = None) -> list[Run]:
    """The parent runs of all sweeps whose plan is written, the latest last."""
    return planned_of(search(connection, OF_SWEEPS, experiments=experiments))


def begun_ever(connection: Connection) -> list[Run]:
    """The parent runs of all sweeps, in the order of creation: those whose plan was never written, and those that a
    person deleted, too.
    """
    return search(connection, f"tags.`{names.DIGEST_TAG}` != ''", EVERY)


def planned_of(runs: Sequence[Run]) -> list[Run]:
    """Those of the parent runs that are not deleted and whose plan is written."""
    needed = {names.SWEEP, names.DIGEST_TAG, names.OUTCOME}
    return [run for run in runs if run.data.tags.get(names.KIND) == names.SWEEP_KIND and needed <= set(run.data.tags)
            and is_active(run)]  # fmt: skip


def is_active(run: Run) -> bool:
    """Whether a run is not deleted."""
    return str(run.info.lifecycle_stage) == "active"


def _pages(
    connection: Connection,
    call: Callable[..., Page[Item]],
    *arguments: object,
    ahead: Sequence[Page[Item]] = (),
    **named: object,
) -> list[Item]:
    """All items of one of MLflow's paged answers; the first page may have come `ahead`."""
    found: list[Item] = []
    token: str | None = None
    while True:
        if token is None and ahead:
            (page,) = ahead
        else:
            with connection.waiting():
                page = call(*arguments, max_results=PAGE_SIZE, page_token=token, **named)
        found.extend(page)
        token = page.token
        if not token:
            return found
