"""Many child runs in one transaction, and by one query, if MLflow's store is a database that this process opened.

MLflow's client writes runs one by one, each in about thirty statements and five transactions through an object mapper.
That takes 14 ms a run, all of it in Python. This module writes the same rows into the same tables directly;
`tests/tracking/test_bulk.py` compares the two. If the store is a server, that does it if it can (`server_app`), else
the client writes.
"""

from __future__ import annotations

import math
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from workbench.tracking import names
from workbench.tracking.connection import Connection
from workbench.tracking.mlflow_internals import engine_of, table

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.engine import Connection as Database

    from workbench.untyped import DriverPart

_LARGEST_FLOAT = 1.7976931348623157e308  # how MLflow keeps infinity
_BUSY_MILLISECONDS = 20_000
_CACHE_KIB = 65_536  # of SQLite's pages: a pack touches pages of indices all over the database


class Point(NamedTuple):
    """One value of a metric; `timestamp` in milliseconds."""

    key: str
    value: float
    timestamp: int
    step: int


class MetricRow(TypedDict):
    """A value of a metric as MLflow's tables hold it."""

    run_uuid: str
    key: str
    value: float
    timestamp: int
    step: int
    is_nan: bool


@dataclass(frozen=True)
class NewRun:
    """A complete run: everything that MLflow is to hold of it, in names and values that MLflow accepts."""

    name: str
    status: str
    started: int
    ended: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: Sequence[Point]
    dataset: tuple[str, str] | None = None  # name and digest; the parent run has logged it already


def can_insert(connection: Connection) -> bool:
    """Whether this process has opened the store's database itself, so that it can write rows directly."""
    return engine_of(connection.client) is not None


def insert(connection: Connection, experiment: str, runs: Mapping[str, NewRun]) -> None:
    """Write all the runs, by their run ids, or none of them."""
    engine = engine_of(connection.client)
    assert engine is not None
    place = connection.client.get_experiment(experiment).artifact_location
    with engine.begin() as database:
        write_rows(database, experiment, place, runs)


def write_rows(database: Database, experiment: str, place: str, runs: Mapping[str, NewRun]) -> None:
    """The rows of new runs, by their run ids, in the transaction of `database`; artifacts lie in folders of `place`."""
    if database.dialect.name == "sqlite":
        database.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        database.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
    pairs = list(runs.items())
    rows: dict[str, Sequence[Mapping[str, object]]] = {
        "SqlRun": [_run(mark, run, int(experiment), place) for mark, run in pairs],
        "SqlTag": [row for mark, run in pairs for row in _labels(mark, {**run.tags, names.RUN_NAME: run.name})],
        "SqlParam": [row for mark, run in pairs for row in _labels(mark, run.params)],
        "SqlMetric": [row for mark, run in pairs for row in _metrics(mark, run.points)],
        "SqlLatestMetric": [row for mark, run in pairs for row in _latest(_metrics(mark, run.points))],
    }
    if any(run.dataset for run in runs.values()):
        rows |= _inputs(pairs, _known_datasets(database, experiment))
    for model, values in rows.items():
        if values:
            _insert(database, table(model), values)


def known_runs(database: Database, marks: Sequence[str]) -> dict[str, tuple[str, str, str, int, int]]:
    """Those of the run ids that the store has: experiment, name, status, start and end of each."""
    runs = table("SqlRun")
    columns = (runs.c.run_uuid, runs.c.experiment_id, runs.c.name, runs.c.status, runs.c.start_time, runs.c.end_time)
    found = database.execute(runs.select().with_only_columns(*columns).where(runs.c.run_uuid.in_(marks)))
    return {mark: (str(experiment), *rest) for mark, experiment, *rest in found}


def new_run_ids(count: int) -> list[str]:
    """Ids in ascending order, of version 7 (RFC 9562): they begin with the present time in milliseconds.

    MLflow's own are random. Every index of a run's rows ends with, or begins with, its id. With these ids the rows of a
    pack stand side by side in each index, so that few pages change, and full ones.
    """
    moment = (time.time_ns() // 1_000_000 % 2**48 << 80) | 0x7 << 76 | 0b10 << 62
    return sorted(f"{moment | secrets.randbits(12) << 64 | secrets.randbits(62):032x}" for _ in range(count))


def _insert(database: Database, into: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows of equal keys, in the order of the table's primary key: a database then changes each page of it once.

    SQLite and PostgreSQL are given them as they are; SQLAlchemy would prepare every value by itself, which takes a
    third of all time with the one, and three quarters with the other.
    """
    columns, keys = list(rows[0]), [column.name for column in into.primary_key]
    order = sorted(rows, key=itemgetter(*keys[:2]))  # the rest hardly matters
    values = [tuple(row.values()) for row in order]
    if database.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        database.exec_driver_sql(f"INSERT INTO {into.name} ({', '.join(columns)}) VALUES ({marks})", values)
    elif database.dialect.driver == "psycopg":
        _copy(database, f"COPY {into.name} ({', '.join(columns)}) FROM STDIN", values)
    else:
        database.execute(into.insert(), order)


def _copy(database: Database, statement: str, values: Sequence[tuple[object, ...]]) -> None:
    """Rows by PostgreSQL's COPY. Its errors are raised as SQLAlchemy raises those of all other statements."""
    from sqlalchemy.exc import DBAPIError

    driver = database.dialect.loaded_dbapi
    cursor: DriverPart = database.connection.cursor()
    try:
        with cursor, cursor.copy(statement) as copy:
            for row in values:
                copy.write_row(row)
    except driver.Error as error:
        raise DBAPIError.instance(statement, None, error, driver.Error) from error


def labelled(
    connection: Connection, key: str, value: str, keys: Sequence[str]
) -> list[tuple[str, str, dict[str, str]]]:
    """The active runs that have a tag of this value: run id, status, and their tags of these keys."""
    from sqlalchemy import select  # late: it comes with MLflow

    engine = engine_of(connection.client)
    assert engine is not None
    runs, tags, mine = table("SqlRun"), table("SqlTag"), table("SqlTag").alias()
    chosen = (
        select(runs.c.run_uuid, runs.c.status, tags.c.key, tags.c.value)
        .join(mine, mine.c.run_uuid == runs.c.run_uuid)
        .join(tags, tags.c.run_uuid == runs.c.run_uuid)
        .where(mine.c.key == key, mine.c.value == value, runs.c.lifecycle_stage == "active", tags.c.key.in_(keys))
    )
    found: dict[str, tuple[str, str, dict[str, str]]] = {}
    with engine.connect() as database:
        for run_id, status, name, text in database.execute(chosen):
            found.setdefault(run_id, (run_id, status, {}))[2][name] = text
    return list(found.values())


def _known_datasets(database: Database, experiment: str) -> dict[tuple[str, str], str]:
    """(name, digest) -> MLflow's id, of the datasets of an experiment."""
    datasets = table("SqlDataset")
    chosen = datasets.select().where(datasets.c.experiment_id == int(experiment))
    return {(row.name, row.digest): row.dataset_uuid for row in database.execute(chosen)}


def _inputs(
    pairs: Sequence[tuple[str, NewRun]], known: Mapping[tuple[str, str], str]
) -> dict[str, Sequence[Mapping[str, object]]]:
    """The rows that MLflow's `log_inputs` would write."""
    marks = [(mark, known[run.dataset]) for mark, run in pairs if run.dataset and run.dataset in known]
    edges = [(uuid.uuid4().hex, mark, dataset) for mark, dataset in marks]
    return {
        "SqlInput": [
            {"input_uuid": edge, "source_type": "DATASET", "source_id": dataset, "destination_type": "RUN",
             "destination_id": mark, "step": 0} for edge, mark, dataset in edges
        ],
        "SqlInputTag": [
            {"input_uuid": edge, "name": names.INPUT_CONTEXT, "value": names.TRAINING_CONTEXT} for edge, *_ in edges
        ],
    }  # fmt: skip


def _run(mark: str, run: NewRun, experiment: int, place: str) -> dict[str, object]:
    """The row that MLflow's `create_run` and `set_terminated` would write."""
    return {
        "run_uuid": mark, "name": run.name, "experiment_id": experiment, "artifact_uri": f"{place}/{mark}/artifacts",
        "status": run.status, "start_time": run.started, "end_time": run.ended, "lifecycle_stage": "active",
        "user_id": run.tags.get(names.USER, "unknown"),
        "source_type": "UNKNOWN", "source_name": "", "source_version": "", "entry_point_name": "",
        "deleted_time": None,
    }  # fmt: skip


def _labels(mark: str, values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"run_uuid": mark, "key": key, "value": value} for key, value in values.items()]


def _metrics(mark: str, points: Iterable[Point]) -> list[MetricRow]:
    """One row a point, with NaN and infinity as MLflow keeps them."""
    rows: list[MetricRow] = []
    for key, value, timestamp, step in dict.fromkeys(points):
        nan = math.isnan(value)
        kept = 0.0 if nan else max(-_LARGEST_FLOAT, min(_LARGEST_FLOAT, value))
        rows.append({"run_uuid": mark, "key": key, "value": kept, "timestamp": timestamp, "step": step, "is_nan": nan})
    return rows


def _latest(rows: Iterable[MetricRow]) -> list[MetricRow]:
    """For every key, the row that MLflow takes for the latest."""
    best: dict[str, MetricRow] = {}
    for row in rows:
        other = best.get(row["key"])
        if other is None or _moment(row) > _moment(other):
            best[row["key"]] = row
    return list(best.values())


def _moment(row: MetricRow) -> tuple[int, int, float]:
    return row["step"], row["timestamp"], row["value"]
