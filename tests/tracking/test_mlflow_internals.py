"""The parts of MLflow that are not public are there in the version we know, and one line says so where they are not."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from workbench.engine.errors import BadInput
from workbench.tracking import mlflow_internals
from workbench.tracking.connection import connect

TABLES = ("SqlRun", "SqlTag", "SqlParam", "SqlMetric", "SqlLatestMetric", "SqlDataset", "SqlInput", "SqlInputTag")


def test_every_part_is_there(uri: str) -> None:
    client = connect(uri).client
    assert mlflow_internals.engine_of(client) is not None
    assert all(len(mlflow_internals.table(name).c) > 1 for name in TABLES)


def test_a_part_that_another_version_lacks_is_one_line(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = connect(uri).client
    monkeypatch.delattr(SqlAlchemyStore, "_hard_delete_run")
    with pytest.raises(BadInput) as caught:
        mlflow_internals.delete_for_good(client, "a run")
    tested = mlflow_internals.TESTED_MLFLOW
    assert str(caught.value) == (
        f"mlflow: found version {version('mlflow')}, which has no SqlAlchemyStore._hard_delete_run; "
        f"Workbench was tested with {tested}: pip install mlflow=={tested}"
    )
    with pytest.raises(BadInput, match=r"which has no mlflow\.store\.tracking\.dbmodels\.models\.SqlNothing; "):
        mlflow_internals.table("SqlNothing")
