"""Housekeeping: what sweeps take on disk, one of them deleted, one taken elsewhere."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from tests import stores
from tests.once import made_once
from workbench import app, sweeps
from workbench.report.claim_files import Experiment
from workbench.sweep.command import main
from workbench.tracking.read import load

SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of three runs, and one that shows two of them and one of its own."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            assert main([*SMALL, "seed=range(3)", "name=first"]) == app.FINISHED
            assert main([*SMALL, "seed=range(1,4)", "name=second"]) == app.FINISHED
        stores.settle(folder / "mlflow.db")

    return made_once(tmp_path_factory, "two-sweeps", make)


@pytest.fixture(autouse=True)
def workspace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the test works."""
    folder = stores.copied(trained, tmp_path / "work space")
    monkeypatch.chdir(folder)
    return folder


def run_ids(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return {run for (run,) in database.execute("SELECT run_uuid FROM runs")}


def test_every_sweep_is_listed_with_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert sweeps.main([]) == 0
    title, heads, first, second = capsys.readouterr().out.splitlines()[:4]
    assert (title, heads.split()[0]) == ("Sweeps in the store", "name")
    assert first.split()[:3] == ["first", "1", "3"]
    assert second.split()[:3] == ["second", "1", "3"]
    assert "KiB" in first


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert sweeps.main(["list"]) == 0
    assert not list(Path.cwd().iterdir())


def test_a_deleted_sweep_takes_everything_of_it_along(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweeps.main(["delete", "first"]) == 2
    assert "2 runs of 'first' are shown in 'second' as well; delete that one first" in capsys.readouterr().err
    first = load("first")
    assert sweeps.main(["delete", "second"]) == 0
    assert capsys.readouterr().out == "deleted: second, 3 runs\n"
    assert run_ids(workspace) == {*first.runs["run_id"], first.facts["run_id"]}
    assert len(list((workspace / "mlruns" / "workbench").iterdir())) == 1
    assert not list(workspace.glob("reports/second*"))
    assert not (workspace / "sweeps" / "second").exists()
    pd.testing.assert_frame_equal(load("first").epochs, first.epochs)
    assert sweeps.main(["delete", "second"]) == 2
    assert "holds none called 'second'" in capsys.readouterr().err
    assert main([*SMALL, "seed=range(3)", "name=first"]) == app.FINISHED
    assert "3 held already" in capsys.readouterr().err


def test_an_exported_sweep_opens_elsewhere(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = load("second")
    assert sweeps.main(["export", "second", str(tmp_path / "out")]) == 0
    elsewhere = tmp_path / "other disk" / "taken"
    elsewhere.parent.mkdir()
    shutil.move(tmp_path / "out", elsewhere)
    shutil.rmtree(workspace / "mlruns")
    monkeypatch.chdir(elsewhere)
    found = load("second")
    for name in ("runs", "epochs", "layers"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
    assert found.facts["missing"] == ""
    assert (elsewhere / "reports" / "second.html").exists()
    capsys.readouterr()
    assert sweeps.main([]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:-1]] == ["second"]
    assert main([*SMALL, "seed=range(1,4)", "name=second"]) == app.FINISHED
    assert app.write_report("second", Experiment()).html.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["export", "third", "out"], "holds none called 'third'"), (["export", "first", "sweeps"], "is there already")],
)
def test_what_cannot_be_exported_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert sweeps.main(arguments) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert not Path("out").exists()
