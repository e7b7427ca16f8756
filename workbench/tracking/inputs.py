"""The datasets of a sweep as MLflow's dataset inputs: what was trained on, by name and digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.tracking import names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

DATASET_NAME_LIMIT, DIGEST_LIMIT = 500, 36
_WRITES_A_DATASET = "INSERT INTO datasets"  # in what a database refused, as MLflow passes it on


def datasets_of(facts: Mapping[str, str]) -> dict[str, str]:
    """Name -> digest, from a sweep's fact "data_digest" ("digits 94123..., mnist 0f3c..."); a name of
    several generated datasets is left out, since a run cannot tell which of them it read.
    """
    found: dict[str, list[str]] = {}
    for text in facts.get("data_digest", "").split(", "):
        name, _, digest = text.rpartition(" ")
        if name and digest:
            found.setdefault(names.text(name)[:DATASET_NAME_LIMIT], []).append(names.text(digest)[:DIGEST_LIMIT])
    return {name: digests[0] for name, digests in found.items() if len(digests) == 1}


def log_datasets(client: MlflowClient, run_id: str, datasets: Mapping[str, str]) -> None:
    """Log the datasets as inputs of a run.

    Of two sweeps that begin at once both may find a dataset new, and MLflow refuses whoever writes it down second; the
    next attempt finds it there. So there are as many attempts more as there are datasets.
    """
    from mlflow.exceptions import MlflowException

    for left in range(len(datasets), -1, -1) if datasets else ():
        try:
            client.log_inputs(run_id, _inputs(datasets))
            break
        except MlflowException as error:
            if not left or _WRITES_A_DATASET not in str(error):
                raise


def _inputs(datasets: Mapping[str, str]) -> list[DatasetInput]:
    """The inputs as MLflow takes them; `mlflow.data.get_source` reads their source, the code that loads them."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    tags = [InputTag(names.INPUT_CONTEXT, names.TRAINING_CONTEXT)]
    return [DatasetInput(Dataset(name, digest, "code", _source(name)), tags) for name, digest in datasets.items()]


def _source(dataset: str) -> str:
    return json.dumps({"tags": {names.SOURCE: f"workbench.data.load, data.name={dataset}"}})
