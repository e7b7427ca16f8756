"""Pages from the store alone: the command, the notebook's tables, and what is said where there is nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests import stores
from tests.blank import leave_out
from tests.once import made_once
from workbench import cli, output, report
from workbench.sweep.hydra.command import main as workbench

pytestmark = pytest.mark.usefixtures("no_figures")
SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder with a sweep in its store."""

    def make(folder: Path) -> None:
        shutil.copyfile(empty_database, folder / "mlflow.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            leave_out(patch.setattr)
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)
            assert workbench([*SMALL, "network.depth=0,1", "seed=range(3)", "name=small"]) == 0
        stores.settle(folder / "mlflow.db")

    trained = made_once(tmp_path_factory, "sweep to rebuild", make)
    return stores.copied(trained, tmp_path_factory.mktemp("workspace") / "mine")


@pytest.fixture(autouse=True)
def inside(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_deleting_the_reports_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("reports/small.html").read_bytes()
    shutil.rmtree("reports")
    assert cli.main(["report"]) == 0
    assert capsys.readouterr().out.split() == ["reports/index.html", "reports/small.html"]
    assert Path("reports/small.html").read_bytes() == before


def test_for_a_machine_the_files_written_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "document": "workbench.report", "version": output.DOCUMENT_VERSION, "index": "reports/index.html",
        "comparison": None, "pages": [{"sweep": "small", "page": "reports/small.html", "data": "reports/small.json"}],
    }  # fmt: skip
    assert err == ""
    assert cli.main(["report", "--compare", "small", "small", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pages"], found["index"]) == ([], None)
    assert Path(found["comparison"]).is_file()


def test_a_page_can_be_asked_for_by_name_and_elsewhere(tmp_path: Path, workspace: Path) -> None:
    assert (
        cli.main(["report", "small", "--uri", f"sqlite:///{workspace}/mlflow.db", "--folder", str(tmp_path / "here")])
        == 0
    )
    assert (tmp_path / "here" / "small.html").exists()


def test_open_shows_the_page(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    assert cli.main(["report", "small", "--open"]) == 0
    assert shown == [(workspace / "reports" / "small.html").as_uri()]


@pytest.mark.parametrize("arguments", [["nothing"], ["--uri", "sqlite:///none.db"], ["--uri", "nowhere://x"]])
def test_bad_input_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_sweep_comes_as_three_tidy_tables() -> None:
    sweep = report.load("small")
    assert list(sweep.runs["cell"]) == list(range(6))
    assert sweep.factors == ("network.depth", "seed")
    assert {"network.depth", "outcome", "best_test_accuracy", "seconds"} <= set(sweep.runs)
    assert len(sweep.histories) == 6 * 3
    assert {"cell", "epoch", "layer", "probe", "value"} == set(sweep.probes)
    joined = sweep.histories.merge(sweep.runs, on="cell")
    last = joined[joined["epoch"] == 2].set_index("cell")
    pd.testing.assert_series_equal(last["test_accuracy"], last["last_test_accuracy"], check_names=False)
