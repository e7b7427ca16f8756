"""Datasets are inputs of a run, also where several sweeps write down the same ones at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy import event

from workbench.tracking.connection import connect
from workbench.tracking.inputs import log_datasets
from workbench.tracking.mlflow_internals import engine_of

DATASETS = {"digits": "d1", "blobs": "b1"}
OTHERS = "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source) VALUES "


@pytest.fixture
def store(empty_database: Path, tmp_path: Path) -> Path:
    file = tmp_path / "mlflow.db"
    file.write_bytes(empty_database.read_bytes())
    return file


def test_a_dataset_that_another_sweep_writes_down_in_between_is_the_same_dataset(store: Path) -> None:
    client = connect(f"sqlite:///{store}").client
    run_id, experiment = client.create_run(client.create_experiment("both")).info.run_id, 1
    others = list(DATASETS.items())

    def other_sweep(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO datasets") and others:
            name, digest = others.pop()
            with closing(sqlite3.connect(store)) as database, database:
                database.execute(OTHERS + "(?, ?, ?, ?, 'code', '')", (name, experiment, name, digest))

    event.listen(engine_of(client), "before_cursor_execute", other_sweep)
    log_datasets(client, run_id, DATASETS)
    assert not others
    inputs = client.get_run(run_id).inputs.dataset_inputs
    assert {one.dataset.name: one.dataset.digest for one in inputs} == DATASETS
    with closing(sqlite3.connect(store)) as database:
        assert database.execute("SELECT count(*) FROM datasets").fetchone() == (2,)


@pytest.mark.parametrize(
    "words", ["(sqlite3.IntegrityError) UNIQUE constraint failed [SQL: INSERT INTO datasets]", "no"]
)
def test_what_another_attempt_does_not_mend_is_raised(words: str) -> None:
    asked: list[str] = []

    class Refusing:
        def log_inputs(self, run_id: str, _inputs: object) -> None:
            asked.append(run_id)
            raise MlflowException(words)

    with pytest.raises(MlflowException):
        log_datasets(Refusing(), "run", DATASETS)  # type: ignore[arg-type]
    assert len(asked) == (1 if words == "no" else 3)


def test_no_dataset_is_no_request() -> None:
    log_datasets(None, "run", {})  # type: ignore[arg-type]
