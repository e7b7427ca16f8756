"""The child runs of a sweep in MLflow: tags, params, summaries and thinned curves, in as few calls as possible."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from workbench.config.reading import idle
from workbench.sweep.run_outcomes import DIVERGED, FAILED
from workbench.sweep.store import RunRecord
from workbench.tracking import names
from workbench.tracking.bulk import NewRun, Point, can_insert, insert, labelled, new_run_ids
from workbench.tracking.connection import Connection, search
from workbench.tracking.inputs import log_datasets
from workbench.tracking.pack_sending import send, takes_packs
from workbench.tracking.patience import once
from workbench.tracking.plan_table import PlanRow
from workbench.tracking.several_at_a_time import REQUESTS_AT_A_TIME

# Per curve and run in MLflow: enough to see the shape. Parquet has every epoch.
CURVE_POINTS = 4
_BATCH = 100  # MLflow takes as many params or tags a call, and 1,000 entries in all
_METRIC_BATCH = 800
_IDENTIFYING = (names.CELL, names.FINGERPRINT, names.OUTCOME, names.REASON, names.ORIGIN)


@dataclass(frozen=True)
class Child:
    """A child run as the store holds it; `outcome` is "" while its recording is not complete."""

    run_id: str
    outcome: str
    reason: str
    origin: str


@dataclass(frozen=True)
class Family:
    """What all children of one sweep share."""

    experiment: str
    parent: str
    sweep: str
    command: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)  # `origin_tags` of every run
    datasets: Mapping[str, str] = field(default_factory=dict)  # name -> digest
    # (cell, fingerprint) -> the run id under which a new child is written, however often that is tried
    proposed: dict[tuple[int, str], str] = field(default_factory=dict)


def existing(connection: Connection, parent: str, known: Collection[str] = ()) -> dict[tuple[int, str], Child]:
    """The existing children of a parent run: (cell, fingerprint) -> child.

    A cell has several children if the answer to a creation was lost and the creation was repeated. One of them is kept:
    the one whose run id is in `known`, else a complete one. The others are moved to MLflow's trash.
    """
    found: dict[tuple[int, str], list[Child]] = {}
    for run_id, status, tags in _of_parent(connection, parent):
        if tags.get(names.CELL, "").isdecimal():
            outcome = "" if status == "RUNNING" else tags.get(names.OUTCOME, "")
            child = Child(run_id, outcome, tags.get(names.REASON, ""), tags.get(names.ORIGIN, ""))
            found.setdefault((int(tags[names.CELL]), tags.get(names.FINGERPRINT, "")), []).append(child)
    for twins in found.values():
        twins.sort(key=lambda child: (child.run_id not in known, not child.outcome, child.run_id))
        for twin in twins[1:]:
            connection.client.delete_run(twin.run_id)
    return {place: twins[0] for place, twins in found.items()}


def _of_parent(connection: Connection, parent: str) -> list[tuple[str, str, dict[str, str]]]:
    """Run id, status and tags of every child."""
    if can_insert(connection):
        return labelled(connection, names.PARENT, parent, _IDENTIFYING)
    found = search(connection, f"tags.`{names.PARENT}` = '{parent}'")
    return [(run.info.run_id, run.info.status, run.data.tags) for run in found]


def write(
    connection: Connection, family: Family, rows: Sequence[tuple[PlanRow, Sequence[Point], Child | None]]
) -> list[Child]:
    """Write the child run of each cell, with its curves. An existing child is completed if it is incomplete.

    New children are written together if the store allows it.
    """
    children = [known if known and known == _child(known.run_id, row.record) else None for row, _, known in rows]
    new = {_mark(family, row): i for i, (row, _, known) in enumerate(rows) if known is None}
    runs = {mark: _new_run(family, rows[i][0], rows[i][1]) for mark, i in new.items()}
    for mark in _write_together(connection, family, runs):
        children[new[mark]] = _child(mark, rows[new[mark]][0].record)
    left = [i for i, child in enumerate(children) if child is None]
    for i, child in zip(left, _write_by_client(connection, family, [rows[i] for i in left]), strict=True):
        children[i] = child
    for row, _, _ in rows:
        family.proposed.pop(_place(row), None)
    return [child for child in children if child]


def _write_together(connection: Connection, family: Family, runs: Mapping[str, NewRun]) -> Collection[str]:
    """Write new children by few calls, if the store allows it; the run ids of those that were written."""
    if not runs:
        return ()
    if can_insert(connection):
        insert(connection, family.experiment, runs)
        return runs.keys()
    return send(connection, family.experiment, runs) if takes_packs(connection) else ()


def _place(row: PlanRow) -> tuple[int, str]:
    return row.record.cell, row.record.fingerprint


def _mark(family: Family, row: PlanRow) -> str:
    """The run id of a new child: the same at each try, so that a server that is asked twice records it once."""
    if _place(row) not in family.proposed:
        (family.proposed[_place(row)],) = new_run_ids(1)
    return family.proposed[_place(row)]


def _write_by_client(
    connection: Connection, family: Family, rows: Sequence[tuple[PlanRow, Sequence[Point], Child | None]]
) -> list[Child]:
    """Writes or completes children by MLflow's client, of a server several at a time.

    That is three requests a run, the fewest that MLflow itself has for a run that has ended: one creates it, one logs,
    one ends it; docs/mlflow.md goes through all others. So children on a server have no dataset inputs, which would be
    a fourth; their parent has them.
    """
    client, own_database = connection.client, bool(connection.location.file) or can_insert(connection)
    runs = [_new_run(family, row, points) for row, points, _ in rows]

    def create(place: int) -> str:
        run, known = runs[place], rows[place][2]
        if known:
            return known.run_id
        with connection.waiting():
            return str(client.create_run(family.experiment, run.started, dict(run.tags), run.name).info.run_id)

    def log(place: int) -> None:
        row, _, known = rows[place]
        with connection.waiting():
            _log(connection, marks[place], runs[place], _tags(family, row) if known else {})
            if (dataset := runs[place].dataset) and own_database:
                log_datasets(client, marks[place], dict([dataset]))

    def end(place: int) -> None:
        with connection.waiting():
            client.set_terminated(marks[place], runs[place].status, runs[place].ended)

    with ThreadPoolExecutor(1 if own_database else REQUESTS_AT_A_TIME, "children") as threads:
        places = range(len(rows))
        with once():
            marks = list(threads.map(create, places))
        for step in (log, end):
            list(threads.map(step, places))
    return [_child(mark, row.record) for mark, (row, _, _) in zip(marks, rows, strict=True)]


def _new_run(family: Family, row: PlanRow, points: Sequence[Point]) -> NewRun:
    """The run that MLflow is to hold for a cell."""
    record = row.record
    started, ended = _milliseconds(record)
    return NewRun(
        name=names.run_name(record.name, f"cell {record.cell}"),
        status=names.RUN_STATUS[record.outcome],
        started=started,
        ended=ended,
        tags={name: value for name, value in _tags(family, row).items() if value},
        params=_params(record),
        dataset=_dataset(family, record),
        points=[] if record.outcome == FAILED else [*summaries(record), *points],
    )


def _params(record: RunRecord) -> dict[str, str]:
    """The swept keys, and the settings without those that say nothing of this run: 170 bytes of a database each."""
    left_out = idle(record.params) - set(record.factors)
    every = {**record.factors, **record.params}
    return {names.key(name): names.param(value) for name, value in every.items() if name not in left_out}


def _dataset(family: Family, record: RunRecord) -> tuple[str, str] | None:
    """Name and digest of the data that a run was trained on, if they are known."""
    name = names.text(record.params.get("data.name", ""))
    return (name, family.datasets[name]) if name in family.datasets else None


def curves(record: RunRecord, history: Mapping[str, np.ndarray]) -> list[Point]:
    """At most CURVE_POINTS points of each of a run's curves, the first and the last epoch among them.

    `history` has the run's own rows of the epochs' table, by epoch. A quantity that was never measured is left out.
    """
    chosen = _thinned(len(history["epoch"]))
    started, ended = _milliseconds(record)
    times = np.linspace(started, ended, max(len(history["epoch"]), 1))[chosen].astype(np.int64).tolist()
    epochs = history["epoch"][chosen].tolist()
    points: list[Point] = []
    for column, key in names.CURVES.items():
        values = np.asarray(history.get(column, ()), np.float64)
        if len(values) and not np.isnan(values).all():
            points += map(Point, [key] * len(chosen), values[chosen].tolist(), times, epochs)
    return points


@lru_cache
def _thinned(epochs: int) -> np.ndarray:
    """Which of so many epochs are points of a curve."""
    return np.unique(np.linspace(0, epochs - 1, min(CURVE_POINTS, epochs)).round().astype(int))


def child_of(row: PlanRow) -> Child:
    """The child that a row of a plan tells of."""
    return _child(row.run_id, row.record)


def _child(run_id: str, record: RunRecord) -> Child:
    """The child that a cell's record makes."""
    return Child(run_id, record.outcome, names.tag(record.reason), names.tag(record.origin))


def _tags(family: Family, row: PlanRow) -> dict[str, str]:
    """The tags of a child run. Empty ones are included, since they overwrite the tags of an earlier attempt."""
    record = row.record
    tags = {
        names.PARENT: family.parent,
        names.KIND: names.RUN_KIND,
        names.SWEEP: family.sweep,
        names.CELL: record.cell,
        names.FINGERPRINT: record.fingerprint,
        names.OUTCOME: record.outcome,
        names.REASON: record.reason,
        names.HISTORY: row.history,
        names.ORIGIN: record.origin,
        names.WEIGHTS_DIGEST: record.weights_digest,
        names.OVERRIDES: " ".join(record.overrides),
        names.SOURCE: family.command,
        names.SOURCE_TYPE: "LOCAL" if family.command else "",
        **family.origin,
    }
    return {name: names.tag(value) for name, value in tags.items()}


def summaries(record: RunRecord) -> list[Point]:
    """The summaries of a run, and whether it diverged."""
    _, moment = _milliseconds(record)
    values = {**record.metrics, names.DIVERGED_METRIC: float(record.outcome == DIVERGED)}
    return [Point(names.key(names.summary(name)), float(value), moment, 0) for name, value in values.items()]


def _log(connection: Connection, run_id: str, run: NewRun, tags: Mapping[str, str]) -> None:
    """Log everything in one `log_batch`, or in several if MLflow's limits require it."""
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(*point) for point in run.points]
    pairs = [Param(name, value) for name, value in run.params.items()]
    labels = [RunTag(name, value) for name, value in tags.items()]
    while pairs or metrics or labels:
        connection.client.log_batch(run_id, metrics[:_METRIC_BATCH], pairs[:_BATCH], labels[:_BATCH])
        metrics, pairs, labels = metrics[_METRIC_BATCH:], pairs[_BATCH:], labels[_BATCH:]


def _milliseconds(record: RunRecord) -> tuple[int, int]:
    """When a run started and ended, in milliseconds; the present time if it never started."""
    now = time.time()
    ended = record.ended or record.started or now
    return int((record.started or ended) * 1000), int(ended * 1000)
