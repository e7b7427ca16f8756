"""What is written in bulk is, row by row, what MLflow's own client would have written."""

from __future__ import annotations

import math
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from tests.tracking.cases import EPOCHS, cell, result, sweep, trained, uri_of
from workbench.sweep.run_outcomes import DIVERGED, FAILED
from workbench.tracking import bulk, children
from workbench.tracking.connection import connect
from workbench.tracking.write import MlflowStore

TABLES = ("runs", "tags", "params", "metrics", "latest_metrics")
INPUTS = "SELECT destination_id, source_type, destination_type, step, name, value FROM inputs NATURAL JOIN input_tags"


def written(folder: Path) -> dict[str, list[str]]:
    """Every row of every table that MLflow keeps runs in, ids replaced by what is the same in both stores."""
    store = MlflowStore(uri_of(folder), "mine")
    numbers = {"last_loss": math.nan, "up": math.inf, "down": -math.inf, "best": 0.5}
    facts = {"commit": "abc", "data_digest": "digits 94ab, mnist 0f3c"}
    cells = [
        cell(0, params={"data.name": "digits"}),
        cell(1, name="é <b>"),
        cell(2, params={f"key{n}": n for n in range(150)}),
        cell(3, name=""),
    ]
    store.begin(sweep(cells, facts=facts))
    runs = [
        trained(cells[0]),
        trained(cells[1], DIVERGED, reason="at epoch 3", metrics=numbers),
        trained(cells[2]),
        trained(cells[3], FAILED, reason="no room"),
    ]
    loss = np.where(np.arange(4 * (EPOCHS + 1)) % 7, 1.0, np.nan)
    store.record(result(runs, train_loss=loss, test_accuracy=np.full(4 * (EPOCHS + 1), np.nan)))
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        cell_of = dict(database.execute("SELECT run_uuid, value FROM tags WHERE key = 'workbench.cell'").fetchall())
        found = {}
        for table in TABLES:
            rows = database.execute(f"SELECT * FROM {table}").fetchall()
            names = [column[1] for column in database.execute(f"PRAGMA table_info({table})")]
            mark = names.index("run_uuid")
            found[table] = sorted(
                repr(row)
                .replace(row[mark], cell_of[row[mark]])
                .replace(store.run_id, "parent")
                .replace(folder.as_uri(), "")
                for row in rows
                if row[mark] in cell_of
            )
        found["inputs"] = sorted(
            repr((cell_of[mark], *rest)) for mark, *rest in database.execute(INPUTS) if mark in cell_of
        )
    return found


def test_the_rows_are_those_of_the_client(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = folder.with_name("other")
    other.mkdir()
    (other / "mlflow.db").write_bytes((folder / "mlflow.db").read_bytes())
    in_bulk = written(folder)
    monkeypatch.setattr(children, "can_insert", lambda _: False)
    by_client = written(other)
    assert len(in_bulk["runs"]) == 4
    assert len(in_bulk["inputs"]) == 1
    for table in (*TABLES, "inputs"):
        assert in_bulk[table] == by_client[table], table


def test_the_latest_value_of_a_metric_is_the_one_that_mlflow_takes(uri: str) -> None:
    """The one of the last step, of these the last in time, of these the largest; and what comes twice counts once."""
    points = [
        bulk.Point("loss", 1.0, 900, 0),
        bulk.Point("loss", 3.0, 500, 1),
        bulk.Point("loss", 2.0, 500, 1),
        bulk.Point("loss", 9.0, 400, 1),
        bulk.Point("loss", 3.0, 500, 1),
    ]
    client = MlflowClient(uri)
    experiment = client.create_experiment("points")
    (ours,) = bulk.new_run_ids(1)
    bulk.insert(connect(uri), experiment, {ours: bulk.NewRun("ours", "FINISHED", 1, 2, {}, {}, points)})
    theirs = client.create_run(experiment).info.run_id
    client.log_batch(theirs, [Metric(*point) for point in points])
    assert client.get_run(ours).data.metrics == client.get_run(theirs).data.metrics == {"loss": 3.0}
    histories = [sorted(map(str, client.get_metric_history(run, "loss"))) for run in (ours, theirs)]
    assert [one.replace(ours, "") for one in histories[0]] == [one.replace(theirs, "") for one in histories[1]]


def test_all_of_a_pack_or_nothing_is_written(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0), cell(1)]))
    honest = bulk._latest
    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_latest", lambda rows: [{**row, "value": None} for row in honest(rows)])
        with pytest.raises(ValueError, match="NOT NULL"):
            store.record(result([trained(cell(0)), trained(cell(1))]))
    client = MlflowClient(uri)
    assert len(client.search_runs([client.get_run(store.run_id).info.experiment_id])) == 1


def test_a_store_of_another_kind_is_left_to_the_client(uri: str) -> None:
    connection = connect(uri)
    assert bulk.can_insert(connection)
    connection.client._tracking_client.__class__ = type("OfAServer", (), {"store": None})
    assert not bulk.can_insert(connection)


def test_the_ids_of_a_packs_runs_stand_side_by_side_among_all_ids() -> None:
    first, second = bulk.new_run_ids(3), bulk.new_run_ids(2)
    ids = [uuid.UUID(mark) for mark in [*first, *second]]
    assert len({*ids}) == 5
    assert all(one.version == 7 and one.variant == uuid.RFC_4122 for one in ids)
    assert first == sorted(first)
    assert max(first)[:12] <= min(second)[:12]  # milliseconds
