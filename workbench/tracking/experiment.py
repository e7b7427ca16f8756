"""The experiment of MLflow that a sweep's runs belong to: which one is asked for, and its id."""

from __future__ import annotations

import os

from workbench.addresses import file_address
from workbench.engine.errors import BadInput
from workbench.filenames import file_name
from workbench.tracking import names
from workbench.tracking.connection import Connection, experiment_called

DEFAULT_EXPERIMENT = "workbench"
_ABOUT = (
    "Sweeps of Workbench. Each is a parent run, its cells are the children below it; the page with pictures, intervals "
    "and verdicts is the parent's artifact `report`. Search for tags.`workbench.kind` = 'sweep' to see sweeps alone."
)


def experiment_name(connection: Connection, asked: str | None) -> str:
    """The experiment that was asked for, else the one that MLflow's own variables name. Raises BadInput for an id that
    the store does not know.
    """
    from mlflow.exceptions import MlflowException

    if name := asked or os.environ.get("MLFLOW_EXPERIMENT_NAME", "").strip():
        return name
    number = os.environ.get("MLFLOW_EXPERIMENT_ID", "").strip()
    if not number:
        return DEFAULT_EXPERIMENT
    try:
        return str(connection.client.get_experiment(number).name)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        found = f"MLFLOW_EXPERIMENT_ID is {number!r:.80}"
        raise BadInput(f"{found}; {connection.location.shown} has no experiment of this id") from None


def experiment_of(connection: Connection, name: str) -> str:
    """The id of the experiment `name`, created if missing; its artifacts lie beside an SQLite database.

    Raises BadInput if a person deleted the experiment, or if MLflow refuses the name.
    """
    from mlflow.exceptions import MlflowException

    client = connection.client
    if known := experiment_called(connection, name):
        return known
    found = client.get_experiment_by_name(name)
    if found is None:
        connection.opened_with.clear()  # they will be one more
        beside = connection.location.artifacts
        place = None if beside is None else file_address(beside / file_name(name, beside))
        try:
            return client.create_experiment(
                name, place, {names.EXPERIMENT_KIND: names.MODEL_TRAINING, names.NOTE: _ABOUT}
            )
        except MlflowException:
            found = client.get_experiment_by_name(name)  # another process may have created it
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise BadInput(f"tracking.experiment: {name!r} was deleted in MLflow; restore it there or name another")
    return found.experiment_id


def known_experiment(connection: Connection, name: str) -> str:
    """The id of the experiment `name`; "" if there is none."""
    if known := experiment_called(connection, name):
        return known
    found = connection.client.get_experiment_by_name(name)
    return found.experiment_id if found else ""
