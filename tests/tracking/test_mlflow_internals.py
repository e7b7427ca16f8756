"""The parts of MLflow that are not public are there in the version we know, and one line says so where they are not."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from google.protobuf.descriptor import Descriptor
from mlflow.protos.service_pb2 import LogBatch, MlflowService, UpdateRun
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.rest_utils import extract_api_info_for_service

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


def test_a_run_that_has_ended_takes_mlflow_three_requests() -> None:
    """If this fails, MLflow has a way of fewer, and `children` may take it."""
    carried = {address: _carried(asked.DESCRIPTOR) for asked, (address, _) in _REQUESTS.items()}
    assert [address for address, kinds in carried.items() if "RunStatus" in kinds] == ["/mlflow/runs/update"]
    assert [address for address, kinds in carried.items() if "Metric" in kinds] == ["/mlflow/runs/log-batch"]
    assert not {"RunStatus", "Metric", "Param"} & carried["/mlflow/runs/create"]
    assert not {"Metric", "Param", "RunTag"} & carried["/mlflow/runs/update"]
    assert {field.name for field in LogBatch.DESCRIPTOR.fields} == {"run_id", "metrics", "params", "tags"}
    assert {field.name for field in UpdateRun.DESCRIPTOR.fields} == {
        "run_id",
        "run_uuid",
        "status",
        "end_time",
        "run_name",
    }


_REQUESTS = extract_api_info_for_service(MlflowService, "")


def _carried(message: Descriptor, above: frozenset[str] = frozenset()) -> set[str]:
    """The names of the types of all fields of a request, also of those within."""
    found: set[str] = set()
    for field in message.fields:
        if field.enum_type:
            found.add(field.enum_type.name)
        if field.message_type and field.message_type.name not in above:
            kind = field.message_type.name
            found |= {kind, *_carried(field.message_type, above | {kind})}
    return found
