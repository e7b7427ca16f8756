"""Models in MLflow: a run that was asked to keep its weights can be loaded, whoever trained it."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import workbench
from tests import stores
from workbench.engine.errors import BadInput
from workbench.engine.rules import rule_files
from workbench.report import load
from workbench.sweep.hydra.command import main
from workbench.sweep.store import RunRecord
from workbench.tracking import models
from workbench.tracking.connection import connect
from workbench.tracking.export import import_sweep
from workbench.tracking.housekeeping import delete
from workbench.tracking.plan_table import PlanRow

pytestmark = pytest.mark.usefixtures("no_figures")
ONE = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]


@pytest.fixture(autouse=True)
def inside(folder: Path) -> None:
    """In a workspace with an empty store."""
    assert folder.exists()


def test_a_run_can_be_asked_and_so_can_mlflow() -> None:
    assert main([*ONE, "analyses=model", "seed=0,1", "name=first"]) == 0
    sweep = load("first")
    assert not sweep.tables.tables  # a page need not read the weights
    run_id = sweep.runs["run_id"][1]
    model = workbench.load_run(run_id)
    from mlflow import pyfunc, set_tracking_uri

    set_tracking_uri("sqlite:///mlflow.db")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own making
        served = pyfunc.load_model(f"runs:/{run_id}/model")
    set_tracking_uri(None)
    inputs = np.random.default_rng(0).normal(size=(7, model.about.inputs))
    np.testing.assert_array_equal(served.predict(inputs), model.predict(inputs))
    assert served.metadata.signature is not None
    assert served.metadata.metadata["outputs"] == "the probability of each class"
    assert not np.array_equal(workbench.load_run(sweep.runs["run_id"][0]).predict(inputs), model.predict(inputs))


def test_a_reused_run_has_the_model_of_the_run_it_was_taken_from() -> None:
    main([*ONE, "analyses=model", "name=first"])
    main([*ONE, "analyses=model", "name=second"])
    first, second = (workbench.load_run(load(name).runs["run_id"][0]) for name in ("first", "second"))
    np.testing.assert_array_equal(first.parameters, second.parameters)


def test_what_is_not_there_is_said_in_one_line() -> None:
    main([*ONE, "name=plain"])
    with pytest.raises(BadInput, match="train it with analyses=model"):
        workbench.load_run(load("plain").runs["run_id"][0])
    with pytest.raises(BadInput, match="holds none of this id"):
        workbench.load_run("0" * 32)


SWISH = """
import numpy as np
from workbench.rules import Activation

def swish(z, slope):
    return z / (1 + np.exp(-z))

def swish_derivative(z, a, slope):
    gate = 1 / (1 + np.exp(-z))
    return gate + a * (1 - gate)

ACTIVATIONS = {"swish": Activation("z times its sigmoid", swish, swish_derivative, init="he")}
"""


def test_a_network_with_a_rule_of_a_persons_own_is_loaded_with_it_and_names_it_without(folder: Path) -> None:
    (folder / "rules").mkdir()
    (folder / "rules" / "swish.py").write_text(SWISH, encoding="utf-8")
    main([*ONE, "network.activation=swish", "kernel=plain", "analyses=model", "name=own"])
    run_id = load("own").runs["run_id"][0]
    rule_files.uninstall()  # as in another process
    expected = workbench.load_run(run_id).parameters
    rule_files.uninstall()
    (folder / "rules" / "swish.py").write_text(SWISH + "1 / 0\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"the activation 'swish'.*could not be used: rules/swish\.py, line 13: raises"):
        workbench.load_run(run_id)
    (folder / "rules").rename(folder / "elsewhere")
    with pytest.raises(BadInput, match=r"the activation 'swish', which is no rule of Workbench's: load .* has it$"):
        workbench.load_run(run_id)
    with pytest.raises(BadInput, match=r"^sweep 'own': the network uses the activation 'swish'"):
        import_sweep("own", "sqlite:///mlflow.db", "sqlite:///there/mlflow.db")
    with pytest.raises(BadInput, match="holds none called 'own'"):
        load("own", "sqlite:///there/mlflow.db")  # nothing of it was begun
    (folder / "elsewhere").rename(folder / "rules")
    (folder / "rules" / "swish.py").write_text(SWISH, encoding="utf-8")
    import_sweep("own", "sqlite:///mlflow.db", "sqlite:///there/mlflow.db")
    assert list(load("own", "sqlite:///there/mlflow.db").runs["outcome"]) == ["finished"]
    assert expected.size
    rule_files.uninstall()  # for other tests


def test_a_model_is_kept_in_the_store_it_belongs_to_also_where_that_was_copied(folder: Path, tmp_path: Path) -> None:
    """MLflow remembers, by the id of a run alone, where its artifacts lay."""
    main([*ONE, "analyses=model", "name=first"])
    run_id = load("first").runs["run_id"][0]
    stores.settle(folder / "mlflow.db")
    copy = stores.copied(folder, tmp_path / "copy")
    (kept,) = copy.glob("mlruns/*/models/*/artifacts")
    shutil.rmtree(kept)
    row = PlanRow(RunRecord(0, "", "", params={"seed": 0}), run_id=run_id)
    models._log(connect(f"sqlite:///{copy}/mlflow.db"), row, workbench.load_run(run_id))
    assert (kept / "MLmodel").exists()


def test_a_deleted_sweep_takes_its_models_with_it(folder: Path) -> None:
    main([*ONE, "analyses=model", "name=first"])
    assert list(folder.glob("mlruns/*/models/*"))
    delete("first")
    assert not list(folder.glob("mlruns/*/models/*"))
    client = connect().client
    assert client.search_logged_models(["0", client.get_experiment_by_name("workbench").experiment_id]) == []
