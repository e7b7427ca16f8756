"""A run that goes on from a stored one: as if it had never stopped, and refused in one line where it cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import workbench
from tests import stores
from tests.blank import leave_out
from tests.once import made_once
from workbench.engine.errors import BadInput
from workbench.tracking.export import import_sweep

pytestmark = pytest.mark.usefixtures("workspace", "no_figures")
SMALL = {
    "data": "blobs", "data.examples": 120, "network.width": 4, "dropout.rate": 0.2, "optimizer": "adam",
    "device": "cpu", "workers": 1, "quiet": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder whose store holds a run that kept its state."""

    def make(folder: Path) -> None:
        shutil.copyfile(empty_database, folder / "mlflow.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            leave_out(patch.setattr)
            asked({"seed": 3}, name="origin", analyses="state", **{"training.epochs": 2, **SMALL})
        stores.settle(folder / "mlflow.db")

    return made_once(tmp_path_factory, "a run that kept its state", make)


@pytest.fixture
def workspace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test: a copy of it."""
    folder = stores.copied(trained, tmp_path / "work space")
    monkeypatch.chdir(folder)
    return folder


def origin() -> str:
    """The id of the run that kept its state."""
    return str(workbench.load("origin").runs["run_id"].iloc[0])


def asked(varied: dict[str, object], **settings: object) -> pd.Series:
    """The one run of a sweep."""
    return workbench.sweep(varied, **settings).runs.iloc[0]  # type: ignore[arg-type]


def test_it_ends_with_the_numbers_of_a_run_that_was_never_stopped() -> None:
    on = workbench.sweep({"from_run": origin(), "training.epochs": 4}, name="on", device="cpu", workers=1, quiet=True)
    whole = workbench.sweep({"seed": 3, "training.epochs": 4}, name="whole", **SMALL)
    run, never_stopped = on.runs.iloc[0], whole.runs.iloc[0]
    assert run["weights_digest"] == never_stopped["weights_digest"]
    assert run["best_validation_loss"] == never_stopped["best_validation_loss"]
    assert run["best_epoch"] == never_stopped["best_epoch"]
    assert run["optimizer.name"] == "adam"
    assert run["seed"] == 3
    assert list(on.histories["epoch"]) == [3, 4]
    later = whole.histories[whole.histories["epoch"] > 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(on.histories, later)
    assert on.page.html  # a page of a run that has no epoch 0


def test_it_is_tested_as_often_as_its_origin() -> None:
    """After every epoch, which the params of the origin leave out."""
    often = workbench.sweep({"seed": 3}, name="often", analyses="state", **{"training.test_every": 1, **SMALL})
    of_often = often.runs["run_id"].iloc[0]
    on = workbench.sweep({"from_run": of_often, "training.epochs": 23}, name="on", device="cpu", workers=1, quiet=True)
    assert list(often.histories["epoch"]) == list(range(21))
    assert often.histories["test_loss"].notna().all()
    assert often.runs["training.test_every"].tolist() == [1]
    assert on.histories["test_loss"].notna().tolist() == [True, True, True]


def test_it_is_a_run_of_its_own_that_names_its_origin_and_can_be_gone_on_from_again() -> None:
    first = origin()
    origins = workbench.load("origin").runs.iloc[0]
    second = asked({"from_run": first, "training.epochs": 3}, analyses="state", device="cpu", quiet=True)
    assert second["from_run"] == origins["fingerprint"]
    assert second["fingerprint"] != origins["fingerprint"]
    third = asked({"from_run": str(second["run_id"]), "training.epochs": 4}, device="cpu", quiet=True)
    assert third["from_run"] == second["fingerprint"]
    held = workbench.sweep(
        {"from_run": first, "training.epochs": 3}, name="again", analyses="state", device="cpu", quiet=True
    )
    assert held.runs["reused"].all()


def test_a_sweep_recorded_in_another_store_can_be_gone_on_from_there() -> None:
    there = "sqlite:///there/mlflow.db"
    import_sweep("origin", "sqlite:///mlflow.db", there)
    copied = workbench.load("origin", there).runs.iloc[0]
    on = asked({"from_run": str(copied["run_id"]), "training.epochs": 3}, uri=there, device="cpu", quiet=True)
    assert on["from_run"] == copied["fingerprint"]


def test_on_other_data_the_best_epoch_is_looked_for_anew() -> None:
    first = origin()
    rates = {"from_run": first, "training.epochs": 4, "optimizer.learning_rate": [3.0, 4.0]}  # it only gets worse
    same = workbench.sweep(rates, name="same", device="cpu", quiet=True).runs
    other = workbench.sweep({**rates, "seed": 4}, name="other", device="cpu", quiet=True).runs
    assert (same["best_epoch"] <= 2).all()
    assert (other["best_epoch"] > 2).all()
    assert same["pack"].nunique() == 1  # runs with one origin train together


def test_it_goes_on_in_another_process() -> None:
    first = origin()
    here = asked({"from_run": first, "training.epochs": 3}, name="here", device="cpu", quiet=True)
    there = asked({"from_run": first, "training.epochs": 3}, name="there", executor="processes", reuse=False,
                  device="cpu", quiet=True)  # fmt: skip
    assert here["weights_digest"] == there["weights_digest"]


def test_what_cannot_be_gone_on_from_is_said_in_one_line() -> None:
    first = origin()
    plain = str(asked({"seed": 3}, name="plain", **{"training.epochs": 1}, **SMALL)["run_id"])
    for changed, line in [
        ({"from_run": "0" * 32}, "holds none of this id"),
        ({"from_run": plain}, "whose state was not kept; train it with analyses=state"),
        ({"from_run": first}, "training.epochs is 2, counted from the first; allowed with from_run=.*: more than 2"),
        ({"from_run": first, "training.epochs": 9, "network.width": 8}, "network.width is 8; allowed with .*: 4"),
        ({"from_run": first, "training.epochs": 9, "optimizer": "sgd"}, "optimizer.name is sgd; allowed with .*: adam"),
        ({"from_run": first, "training.epochs": 9, "data": "digits"}, "parameters; this one has"),
    ]:
        with pytest.raises(BadInput, match=line):
            workbench.sweep(changed, device="cpu", quiet=True)  # type: ignore[arg-type]
    assert not list(Path("reports").glob("sweep-*"))
