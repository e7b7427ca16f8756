"""Trained networks as models: kept as MLflow's logged models, which their runs name, and read back by run id."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from workbench import places
from workbench.config.own_rules import load_own_rules
from workbench.engine.errors import BadInput
from workbench.measure.kept_model import MODEL_TABLE, model_of
from workbench.measure.kept_state import STATE_TABLE, state_of
from workbench.measure.model import INPUTS, Model
from workbench.measure.model_about import require_rules
from workbench.sweep.gone_on_from import Origin
from workbench.sweep.instruments import Table
from workbench.sweep.run_outcomes import FINISHED
from workbench.tracking import names
from workbench.tracking.artifacts import keep_model, read_table
from workbench.tracking.children import summaries
from workbench.tracking.connection import Connection, connect_to_read, one_line
from workbench.tracking.history_tables import Columns
from workbench.tracking.plan_table import PlanRow

if TYPE_CHECKING:
    import pyarrow
    from mlflow.entities import LoggedModel, Run
    from mlflow.models import ModelSignature

MODEL_NAME = "model"  # of every logged model: runs:/<run id>/model finds it
MODEL_TYPE = "network"
KEPT_APART = {MODEL_TABLE: names.MODELS, STATE_TABLE: names.STATES}  # table -> its file: no page reads these
_MODEL_PACKAGES = ("workbench-deep-learning", "numpy", "scipy")


def keep_models(connection: Connection, rows: Sequence[PlanRow], tables: Mapping[str, Columns]) -> None:
    """Keep the model of every run that was asked for one, as a logged model with the run's settings and summaries."""
    if MODEL_TABLE not in tables:
        return
    table = {name: np.asarray(values) for name, values in tables[MODEL_TABLE].items()}
    for row in rows:
        mine = table["fingerprint"] == row.record.fingerprint
        if row.record.outcome == FINISHED and mine.any():
            chosen = {name: values[mine] for name, values in table.items()}
            _log(connection, row, model_of(chosen, row.record.params))


def parts_table(columns: Columns) -> pyarrow.Table:
    """The weights or states of a pack's runs as a table: fingerprint, part, place, value."""
    import pyarrow

    return pyarrow.table({name: pyarrow.array(np.asarray(values)) for name, values in columns.items()})


def load_run(run_id: str, uri: str | None = None) -> Model:
    """The trained network of a run, by its id in MLflow; the run may be reused from another sweep.

    Rules of a person's own are read from `rules/` in the working folder, if the network uses one. Raises BadInput if
    the store has no such run or did not keep its weights, and if a rule of the network is not there.
    """
    if not isinstance(run_id, str):
        raise BadInput(f"run_id: found {run_id!r:.80}; allowed: the id of a run in MLflow, as a text")
    connection = connect_to_read(uri)
    run = _run(connection, run_id)
    if parts := _kept(connection, run, names.MODELS):
        install_rules(run.data.params["network.activation"], run.data.params["network.loss"])
        return model_of(parts, run.data.params)
    raise BadInput(f"run {run_id}: its weights were not kept; train it with analyses=model")


def load_origin(run_id: str, uri: str | None = None) -> Origin:
    """A run that another one goes on from. Raises BadInput if the store has none, or did not keep its state."""
    connection = connect_to_read(uri)
    run = _run(connection, run_id)
    parts = _kept(connection, run, names.STATES)
    if parts is None:
        raise BadInput(f"from_run is {run_id}, whose state was not kept; train it with analyses=state")
    params = dict(run.data.params)
    datasets = [one.dataset for one in run.inputs.dataset_inputs] if run.inputs else []
    digest = str(datasets[0].digest) if datasets else ""
    return Origin(run_id, run.data.tags[names.FINGERPRINT], params, digest, state_of(parts, params))


def _run(connection: Connection, run_id: str) -> Run:
    from mlflow.exceptions import MlflowException

    with one_line(connection.location):
        try:
            return connection.client.get_run(run_id)
        except MlflowException as error:
            raise BadInput(f"run {run_id!r:.80}: {connection.location.shown} holds none of this id") from error


def _kept(connection: Connection, run: Run, file: str) -> Table | None:
    """The parts and values of a run in a file beside its pack's tables; None if it has none there."""
    with one_line(connection.location):
        parent, _, folder = run.data.tags.get(names.HISTORY, "").removeprefix("runs:/").partition("/")
        root = connection.client.get_run(parent).info.artifact_uri if parent else ""
        table = read_table(connection, root, f"{folder}/{file}") if parent else None
    if table is None:
        return None
    rows = table.to_pandas()
    rows = rows[rows["fingerprint"] == run.data.tags[names.FINGERPRINT]]
    return {name: rows[name].to_numpy() for name in ("part", "value")} if len(rows) else None


def models_of(connection: Connection, experiment: str, runs: Collection[str] | None = None) -> list[LoggedModel]:
    """The models of an experiment that these runs left (default: all that it has)."""
    found: list[LoggedModel] = []
    token = None
    while True:
        with connection.waiting():
            page = connection.client.search_logged_models([experiment], f"name = '{MODEL_NAME}'", page_token=token)
        found += [model for model in page if runs is None or model.source_run_id in runs]
        token = page.token
        if not token:
            return found


def install_rules(activation: str, loss: str) -> None:
    """Install the rules of the working folder if one of these two is not known."""
    try:
        require_rules(activation, loss)
    except BadInput:
        load_own_rules(places.theirs("rules"))


def _log(connection: Connection, row: PlanRow, model: Model) -> None:
    """Keep a model. One that an earlier try left half-written is completed."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus, Metric

    client, run_id = connection.client, row.run_id
    run = client.get_run(run_id)
    params = {names.key(name): names.param(value) for name, value in row.record.params.items()}
    with connection.waiting():
        known = [output.model_id for output in run.outputs.model_outputs] if run.outputs else []
        logged = (
            client.get_logged_model(known[0])
            if known
            else client.create_logged_model(
                run.info.experiment_id, MODEL_NAME, run_id, params=params, model_type=MODEL_TYPE
            )
        )
        if not known:
            client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
    with tempfile.TemporaryDirectory() as scratch:
        _save(model, Path(scratch), run_id, logged.model_id)
        keep_model(connection, logged, Path(scratch) / MODEL_NAME)
    metrics = [Metric(*point, model_id=logged.model_id, run_id=run_id) for point in summaries(row.record)]
    with connection.waiting():
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        client.log_batch(run_id, metrics)


def _save(model: Model, scratch: Path, run_id: str, model_id: str) -> None:
    """Write the folder MODEL_NAME in MLflow's format."""
    from mlflow.models import Model as Description

    pyfunc = _pyfunc()
    model.save(scratch / "network")
    pyfunc.save_model(
        str(scratch / MODEL_NAME), loader_module="workbench.measure.model", data_path=str(scratch / "network"),
        signature=_signature(model), input_example=model.examples, pip_requirements=_requirements(),
        metadata={"inputs": INPUTS, "outputs": model.says}, mlflow_model=Description(run_id=run_id, model_id=model_id),
    )  # fmt: skip


def _pyfunc() -> ModuleType:
    """MLflow's module, imported without the warnings about its own type hints."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("mlflow.pyfunc")


def _signature(model: Model) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    outputs = model.predict(model.examples)
    return ModelSignature(
        Schema([TensorSpec(np.dtype(np.float64), (-1, model.about.inputs))]),
        Schema([TensorSpec(outputs.dtype, (-1, outputs.shape[1]))]),
    )


def _requirements() -> list[str]:
    found = []
    for package in _MODEL_PACKAGES:
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            found.append(package)
    return found
