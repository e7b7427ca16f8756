"""A database that is deleted or replaced while a sweep trains: what was recorded is verified, and recorded again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tracking.cases import cell, result, sweep, trained
from workbench import app
from workbench.engine.errors import BadInput
from workbench.sweep.execution.recorder import Recorder
from workbench.sweep.hydra.command import main
from workbench.sweep.run_outcomes import FAILED
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore

pytestmark = pytest.mark.usefixtures("no_figures")
SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]
TWO_PACKS = [*SMALL, "network.depth=1,2", "seed=range(2)", "name=mine"]
Harm = Callable[[Path, Path], object]


def deleted(folder: Path, empty: Path) -> None:  # noqa: ARG001
    for file in folder.glob("mlflow.db*"):
        file.unlink()


def replaced(folder: Path, empty: Path) -> None:
    deleted(folder, empty)
    shutil.copyfile(empty, folder / "mlflow.db")


def without_its_journal(folder: Path, empty: Path) -> None:  # noqa: ARG001
    (folder / "mlflow.db").unlink()


def without_artifacts(folder: Path, empty: Path) -> None:  # noqa: ARG001
    shutil.rmtree(folder / "mlruns")


def harmed_after(monkeypatch: pytest.MonkeyPatch, packs: int, harm: Callable[[], object]) -> None:
    """The harm happens when so many packs were recorded."""
    honest, done = Recorder._record, []

    def record(self: Recorder, outcome: Any) -> None:
        honest(self, outcome)
        done.append(outcome)
        if len(done) == packs:
            harm()

    monkeypatch.setattr(Recorder, "_record", record)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(deleted, marks=pytest.mark.thorough),
        pytest.param(without_its_journal, marks=pytest.mark.thorough),
        replaced,
        without_artifacts,
    ],
)
def test_what_a_store_lost_while_a_sweep_trained_is_recorded_again(
    workspace: Path, empty_database: Path, harm: Harm, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    harmed_after(monkeypatch, 1 + (harm is deleted), lambda: harm(workspace, empty_database))
    assert main(TWO_PACKS) == app.EXIT_FINISHED
    said = capsys.readouterr().err
    assert "the store does not hold" in said
    assert "recorded again from sweeps/mine" in said
    found = load("mine")
    assert list(found.runs["outcome"]) == ["finished"] * 4
    assert found.facts["missing"] == ""
    assert found.facts["outcome"] == "finished"
    assert not list(Path("sweeps/mine").glob("*.npz"))


def test_what_no_checkpoint_holds_any_more_is_said_and_trained_by_the_same_command(
    workspace: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TWO_PACKS, "network.depth=1"]) == app.EXIT_FINISHED
    with monkeypatch.context() as patch:
        harmed_after(patch, 1, lambda: replaced(workspace, empty_database))
        assert main([*TWO_PACKS, "name=other"]) == app.EXIT_FAILED
    said = capsys.readouterr().err
    assert "2 runs are gone from the store; the same command trains them again" in said
    assert sorted(load("other").runs["outcome"]) == ["finished", "finished", "pending", "pending"]
    assert main([*TWO_PACKS, "name=other"]) == app.EXIT_FINISHED
    assert list(load("other").runs["outcome"]) == ["finished"] * 4


def test_a_database_replaced_after_all_was_verified_is_no_success(uri: str, folder: Path, empty_database: Path) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    assert store.verified().missing == set()
    replaced(folder, empty_database)
    with pytest.raises(BadInput, match=r"the database of the store sqlite:///mlflow\.db was replaced"):
        store.end("finished")


def test_a_sweep_deleted_while_it_trains_is_begun_anew(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0), cell(1, pack="b")]))
    pack = result([trained(cell(0))])
    store.record(pack)
    store._connection.client.delete_run(store.run_id)
    assert store.verified().missing == {"fp0"}
    store.record(pack)
    assert store.verified().missing == set()
    store.end("finished")
    assert list(load("seeds", uri).runs["outcome"]) == ["finished", "pending"]


def test_of_a_sweep_deleted_while_it_trains_failures_are_lost_too(uri: str) -> None:
    """No store holds a failed run for another sweep; but the sweep begun anew is to say why it failed."""
    store = MlflowStore(uri)
    store.begin(sweep([cell(0), cell(1)]))
    pack = result([trained(cell(0)), trained(cell(1), FAILED, reason="no room")])
    store.record(pack)
    store._connection.client.delete_run(store.run_id)
    assert store.verified().missing == {"fp0", "fp1"}
    store.record(pack)
    store.end("finished")
    assert list(load("seeds", uri).runs["reason"]) == ["", "no room"]
