"""One child run in MLflow: its tags, params, summaries and thinned curves, in as few calls as MLflow allows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.sweep.store import DIVERGED, FAILED, RunRecord
from workbench.tracking import names
from workbench.tracking.connection import Connection, search
from workbench.tracking.plan import PlanRow

if TYPE_CHECKING:
    from mlflow.entities import Metric

# Per curve and run in MLflow: enough to see the shape. Each costs 0.4 ms a run; Parquet has every epoch.
CURVE_POINTS = 12
_BATCH = 100  # MLflow takes as many params or tags a call, and 1,000 entries in all
_METRIC_BATCH = 800


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


def existing(connection: Connection, parent: str) -> dict[tuple[int, str], Child]:
    """The children a parent run has already: (cell, fingerprint) -> child."""
    children = {}
    for run in search(connection, f"tags.`{names.PARENT}` = '{parent}'"):
        tags = run.data.tags
        if names.CELL in tags:
            outcome = "" if run.info.status == "RUNNING" else tags.get(names.OUTCOME, "")
            child = Child(run.info.run_id, outcome, tags.get(names.REASON, ""), tags.get(names.ORIGIN, ""))
            children[int(tags[names.CELL]), tags.get(names.FINGERPRINT, "")] = child
    return children


def write(connection: Connection, family: Family, row: PlanRow, curves: list[Metric], known: Child | None) -> Child:
    """Writes a cell's child run, or completes the `known` one; one that is complete already is left alone."""
    record = row.record
    client = connection.client
    tags = _tags(family, row)
    started, ended = _milliseconds(record)
    if known is None:
        name = names.run_name(record.name, f"cell {record.cell}")
        given = {name: value for name, value in tags.items() if value}
        run_id, tags = client.create_run(family.experiment, started, given, name).info.run_id, {}
    else:
        run_id = known.run_id
        if known == _child(run_id, record):
            return known
    metrics = [] if record.outcome == FAILED else _summaries(record, ended) + curves
    _log(connection, run_id, record.params, metrics, tags)
    client.set_terminated(run_id, names.RUN_STATUS[record.outcome], ended)
    return _child(run_id, record)


def curves(record: RunRecord, history: Mapping[str, np.ndarray]) -> list[Metric]:
    """At most CURVE_POINTS points of each of a run's curves, the first and the last epoch among them.

    `history` has the run's own rows of the epochs' table, by epoch. A quantity that was never measured is left out.
    """
    from mlflow.entities import Metric

    epochs = history["epoch"]
    chosen = np.unique(np.linspace(0, len(epochs) - 1, min(CURVE_POINTS, len(epochs))).round().astype(int))
    started, ended = _milliseconds(record)
    times = np.linspace(started, ended, max(len(epochs), 1)).astype(np.int64)
    points = []
    for column, key in names.CURVES.items():
        values = np.asarray(history.get(column, ()), np.float64)
        if len(values) and not np.isnan(values).all():
            points += [Metric(key, float(values[i]), int(times[i]), int(epochs[i])) for i in chosen]
    return points


def _child(run_id: str, record: RunRecord) -> Child:
    """The child that a cell comes to."""
    return Child(run_id, record.outcome, names.tag(record.reason), names.tag(record.origin))


def _tags(family: Family, row: PlanRow) -> dict[str, str]:
    """The tags of a child run, empty ones too: on a child that exists they take back those of an earlier try."""
    record = row.record
    tags = {
        names.PARENT: family.parent,
        names.KIND: names.RUN_KIND,
        names.SWEEP: family.sweep,
        names.CELL: record.cell,
        names.FINGERPRINT: record.fingerprint,
        names.OUTCOME: record.outcome,
        names.REASON: record.reason,
        names.PACK: record.pack,
        names.HISTORY: row.history,
        names.ORIGIN: record.origin,
        names.WEIGHTS: record.weights_digest,
        names.OVERRIDES: " ".join(record.overrides),
    }
    return {name: names.tag(value) for name, value in tags.items()}


def _summaries(record: RunRecord, moment: int) -> list[Metric]:
    """The summaries of a run, and whether it diverged."""
    from mlflow.entities import Metric

    values = {**record.metrics, names.DIVERGED_METRIC: float(record.outcome == DIVERGED)}
    return [Metric(names.key(name), float(value), moment, 0) for name, value in values.items()]


def _log(
    connection: Connection, run_id: str, params: Mapping[str, Any], metrics: list[Metric], tags: Mapping[str, str]
) -> None:
    """One `log_batch` where it all fits, else as many as MLflow's limits ask for."""
    from mlflow.entities import Param, RunTag

    keyed = {names.key(name): names.param(value) for name, value in params.items()}
    pairs = [Param(name, value) for name, value in keyed.items()]
    labels = [RunTag(name, value) for name, value in tags.items()]
    while pairs or metrics or labels:
        connection.client.log_batch(run_id, metrics[:_METRIC_BATCH], pairs[:_BATCH], labels[:_BATCH])
        metrics, pairs, labels = metrics[_METRIC_BATCH:], pairs[_BATCH:], labels[_BATCH:]


def _milliseconds(record: RunRecord) -> tuple[int, int]:
    """When a run started and ended, in MLflow's unit; now, for one that never started."""
    now = time.time()
    ended = record.ended or record.started or now
    return int((record.started or ended) * 1000), int(ended * 1000)
