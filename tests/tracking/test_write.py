"""What a person sees in MLflow after a sweep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.tracking.cases import EPOCHS, STARTED, cell, result, sweep, trained, uri_of
from tests.tracking.server import needs_installation
from tests.waiting import wait_until
from workbench.sweep.run_outcomes import DIVERGED, FAILED
from workbench.sweep.store import PackResult
from workbench.tracking.children import CURVE_POINTS
from workbench.tracking.read import load
from workbench.tracking.system import SAMPLING_SWITCH
from workbench.tracking.write import MlflowStore


def runs_of(uri: str, experiment: str = "workbench") -> list[Run]:
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"]))


def children_of(uri: str, parent: str) -> dict[int, Run]:
    children = [run for run in runs_of(uri) if run.data.tags.get("mlflow.parentRunId") == parent]
    return {int(run.data.tags["workbench.cell"]): run for run in children}


def artifact(uri: str, run_id: str, path: str) -> Path:
    return Path(MlflowClient(uri).download_artifacts(run_id, path))


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.thorough)])
def uri(request: pytest.FixtureRequest, folder: Path, experiment: str) -> Iterator[str]:
    """An empty store: a file, or what is like one on a server that takes packs."""
    if request.param == "sqlite":
        yield uri_of(folder)
        return
    needs_installation()
    proxy = request.getfixturevalue("proxy")
    proxy.packs = True
    yield proxy.uri
    client = MlflowClient(proxy.uri)
    if found := client.get_experiment_by_name("workbench"):  # a test that is skipped makes none
        client.rename_experiment(found.experiment_id, experiment)


@pytest.fixture
def store(uri: str) -> MlflowStore:
    return MlflowStore(uri)


def test_a_sweep_is_a_parent_run_that_says_what_was_asked(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1)], rules='{"rule": 1}'))
    parent = MlflowClient(uri).get_run(store.run_id)
    assert parent.info.run_name == "seeds"
    assert parent.info.status == "RUNNING"
    assert parent.data.params == {"seed": "0, 1", "optimizer": "adam"}
    assert parent.data.tags["mlflow.source.name"] == "python -m workbench 'seed=range(3)'"
    assert parent.data.tags["fact.commit"] == "abc123"  # of Workbench itself; the working folder is no repository
    assert "mlflow.source.git.commit" not in parent.data.tags
    assert parent.data.tags["fact.device"] == "cpu"
    assert "Do seeds matter?" in parent.data.tags["mlflow.note.content"]
    assert artifact(uri, store.run_id, "rule.json").read_text() == '{"rule": 1}'
    assert json.loads(artifact(uri, store.run_id, "sweep.json").read_text())["digest"] == "d1"


def test_the_plan_stands_before_training_with_every_cell_pending(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1), cell(2, pack="other")]))
    plan = pandas.read_parquet(artifact(uri, store.run_id, "plan.parquet"))
    assert list(plan["outcome"]) == ["pending"] * 3
    assert list(plan["pack"]) == ["pack", "pack", "other"]
    assert list(plan["row"]) == [0, 1, 0]
    assert list(plan["run_id"]) == [""] * 3


def test_the_plan_says_at_the_end_what_every_cell_came_to(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1), cell(2)]))
    store.record(result([trained(cell(0)), trained(cell(1), FAILED, reason="out of memory")]))
    store.end("failed")
    plan = pandas.read_parquet(artifact(uri, store.run_id, "plan.parquet"))
    assert list(plan["outcome"]) == ["finished", "failed", "pending"]
    assert list(plan["run_id"])[:2] == [children_of(uri, store.run_id)[n].info.run_id for n in (0, 1)]
    parent = MlflowClient(uri).get_run(store.run_id)
    assert parent.info.status == "FAILED"
    assert parent.data.metrics["cells/finished"] == 1
    assert "**1** finished, **1** failed, **1** pending" in parent.data.tags["mlflow.note.content"]


def test_every_cell_is_a_child_run_with_its_params_summaries_and_tags(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1)]))
    store.record(result([trained(cell(0)), trained(cell(1))]))
    children = children_of(uri, store.run_id)
    assert sorted(children) == [0, 1]
    child = children[1]
    assert child.info.run_name == "seed=1"
    assert child.info.status == "FINISHED"
    assert (child.info.start_time, child.info.end_time) == (STARTED * 1000, (STARTED + 30) * 1000)
    assert child.data.params == {
        "seed": "1",
        "optimizer": "adam",
        "optimizer.name": "adam",
        "data.train_size": "None",
        "network.depth": "2",
    }
    assert child.data.metrics["last/train_loss"] == 1.5
    assert child.data.metrics["diverged"] == 0
    tags = {name: value for name, value in child.data.tags.items() if name.startswith("workbench.")}
    assert tags == {
        "workbench.kind": "run",
        "workbench.sweep": "seeds",
        "workbench.cell": "1",
        "workbench.fingerprint": "fp1",
        "workbench.outcome": "finished",
        "workbench.history": f"runs:/{store.run_id}/packs/pack",
        "workbench.weights": "weights of fp1",
        "workbench.overrides": "seed=1 optimizer=adam",
    }


def test_settings_that_only_other_choices_read_are_no_params_unless_they_were_changed(
    store: MlflowStore, uri: str
) -> None:
    settings = {"optimizer.name": "sgd", "optimizer.beta1": 0.9, "optimizer.alpha": 0.5, "network.depth": 2}
    store.begin(sweep([cell(0, params=settings)]))
    store.record(result([trained(cell(0, params=settings))]))
    params = children_of(uri, store.run_id)[0].data.params
    assert "optimizer.beta1" not in params
    assert params["optimizer.alpha"] == "0.5"
    assert load("seeds", uri).runs["optimizer.beta1"].tolist() == [0.9]


def test_curves_are_thinned_and_keep_their_first_and_last_epoch(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    run_id = children_of(uri, store.run_id)[0].info.run_id
    curve = MlflowClient(uri).get_metric_history(run_id, "accuracy/validation")
    steps = sorted(point.step for point in curve)
    assert (steps[0], steps[-1], len(steps)) == (0, EPOCHS, CURVE_POINTS)
    assert {point.step: point.value for point in curve}[EPOCHS] == pytest.approx(1 / (1 + EPOCHS))


def test_a_quantity_that_was_never_measured_has_no_curve(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))], validation_accuracy=np.full(EPOCHS + 1, np.nan)))
    metrics = children_of(uri, store.run_id)[0].data.metrics
    assert "accuracy/validation" not in metrics
    assert "loss/validation" in metrics


def test_the_histories_of_a_pack_are_three_tables_of_the_parent(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0), cell(1)]))
    store.record(result([trained(cell(0)), trained(cell(1))]))
    sizes = {
        name: len(pandas.read_parquet(artifact(uri, store.run_id, f"packs/pack/{name}.parquet")))
        for name in ("runs", "epochs", "layers")
    }
    assert sizes == {"runs": 2, "epochs": 2 * (EPOCHS + 1), "layers": 2 * (EPOCHS + 1) * 2}


def test_a_diverged_run_is_finished_for_mlflow_and_says_so_itself(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0)]))
    numbers = {"last_train_loss": math.nan, "best_train_loss": math.inf, "worst": -math.inf}
    run = trained(cell(0), DIVERGED, reason="loss was not finite at epoch 3", metrics=numbers)
    store.record(result([run], train_loss=np.where(np.arange(EPOCHS + 1) < 3, 1.0, np.nan)))
    child = children_of(uri, store.run_id)[0]
    assert child.info.status == "FINISHED"
    assert child.data.tags["workbench.outcome"] == "diverged"
    assert child.data.tags["workbench.reason"] == "loss was not finite at epoch 3"
    assert child.data.metrics["diverged"] == 1
    assert math.isnan(child.data.metrics["last/train_loss"])
    assert child.data.metrics["best/train_loss"] > 1e308  # MLflow's infinity


def test_a_failed_run_is_failed_with_its_reason(store: MlflowStore, uri: str) -> None:
    store.begin(sweep([cell(0)]))
    store.record(PackResult("pack", [cell(0, outcome=FAILED, reason="out of memory")], {}, {}))
    child = children_of(uri, store.run_id)[0]
    assert child.info.status == "FAILED"
    assert child.data.tags["workbench.reason"] == "out of memory"
    assert child.data.params["network.depth"] == "2"


def test_a_report_can_be_attached_after_the_end(store: MlflowStore, uri: str, tmp_path: Path) -> None:
    page = tmp_path / "seeds.html"
    page.write_text("<p>page")
    store.begin(sweep([cell(0)]))
    store.end("interrupted")
    store.attach([page])
    assert artifact(uri, store.run_id, "report/seeds.html").read_text() == "<p>page"
    assert MlflowClient(uri).get_run(store.run_id).info.status == "KILLED"


ODD = [
    "",
    "'quoted' \"twice\" `ticks`",
    "🦆 <script>alert(1)</script>",
    "a\nb\tc",
    "x" * 9000,
    "lone \udcff",
    "nul \x00",
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_no_text_that_a_person_may_type_breaks_the_store(store: MlflowStore, uri: str, odd: str) -> None:
    strange = cell(
        0,
        fingerprint="fp",
        name=odd,
        overrides=(f"+key='{odd}'",),
        factors={"seed": odd, odd: 1},
        params={"key": odd, odd: 2, "../up": 3, "/absolute": 4},
    )
    store.begin(sweep([strange], name=f"sweep {odd}", command=odd, factors=("seed", odd), facts={odd: odd}, rules=odd))
    store.record(result([trained(strange, DIVERGED, reason=odd, metrics={f"m {odd}": 1.0})], pack="p"))
    store.end("finished")
    child = children_of(uri, store.run_id)[0]
    assert child.info.status == "FINISHED"
    assert child.data.params["key"] == odd.replace("\udcff", "?").replace("\x00", "�")[:6000]


def test_more_params_than_a_call_of_mlflow_takes_are_all_written(store: MlflowStore, uri: str) -> None:
    params = {f"key{number}": number for number in range(250)}
    store.begin(sweep([cell(0, params=params)]))
    store.record(result([trained(cell(0, params=params))]))
    assert len(children_of(uri, store.run_id)[0].data.params) == 252


def test_a_run_says_what_it_was_trained_on_by_what_code(uri: str) -> None:
    store = MlflowStore(uri)
    known = cell(0, params={"data.name": "digits"})
    facts = {"commit": "abc123", "data_digest": "digits 94ab, blobs 1111, blobs 2222"}
    store.begin(sweep([known, cell(1, params={"data.name": "blobs"})], facts=facts))
    store.record(result([trained(known), trained(cell(1, params={"data.name": "blobs"}))]))
    client = MlflowClient(uri)
    children = children_of(uri, store.run_id)
    runs = [client.get_run(store.run_id), children[0], children[1]]
    found = [[(one.dataset.name, one.dataset.digest) for one in run.inputs.dataset_inputs] for run in runs]
    assert found == [[("digits", "94ab")], [("digits", "94ab")], []]  # two datasets called blobs: which, nobody knows
    assert len({run.data.tags["mlflow.user"] for run in runs}) == 1
    assert {run.data.tags["mlflow.source.name"] for run in runs} == {"python -m workbench 'seed=range(3)'"}


def test_a_folder_is_attached_under_its_name(uri: str, tmp_path: Path) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "one.svg").write_text("<svg/>")
    store.attach([tmp_path / "figures"])
    assert [one.path for one in MlflowClient(uri).list_artifacts(store.run_id, "report/figures")] == [
        "report/figures/one.svg"
    ]


def test_system_metrics_stand_on_the_parent_run(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil", reason="runs where psutil is installed")
    monkeypatch.setattr("workbench.tracking.system.MONITOR_SECONDS", 0.05)
    monkeypatch.delenv(SAMPLING_SWITCH)
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    sampled = {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"}
    wait_until(lambda: sampled <= set(MlflowClient(uri).get_run(store.run_id).data.metrics))
    store.end("interrupted")
