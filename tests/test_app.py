"""The whole way, from a command to a page: what is trained, what is kept, what a person is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from tests import stores
from tests.blank import leave_out
from tests.once import made_once
from workbench import app
from workbench.engine.kernels import choice
from workbench.report import sweep_page
from workbench.report.experiments import Experiment
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.interruption import EXIT_INTERRUPTED
from workbench.sweep.execution.messages import Messages, PackDone
from workbench.sweep.hydra.command import main
from workbench.sweep.planning.packs import PlannedPack
from workbench.tracking.read import load

SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]
GRID = [*SMALL, "network.depth=0,1", "optimizer=sgd,adam", "seed=range(3)", "name=small"]


pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture(scope="session")
def grid_trained(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder in which GRID was trained, with its page."""

    def make(folder: Path) -> None:
        shutil.copyfile(empty_database, folder / "mlflow.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            leave_out(patch.setattr)
            assert main(GRID) == app.EXIT_FINISHED
        stores.settle(folder / "mlflow.db")

    return made_once(tmp_path_factory, "grid", make)


@pytest.fixture
def grid(grid_trained: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """The working folder of the test is a copy of it, and not the empty `workspace`."""
    monkeypatch.chdir(stores.copied(grid_trained, tmp_path / "trained"))


quick = pytest.mark.usefixtures("no_figures")


def digests(name: str) -> pd.Series:
    runs = load(name).runs
    return runs.set_index("cell")["weights_digest"]


def counts(name: str) -> dict[str, int]:
    return dict(load(name).runs["outcome"].value_counts())


def test_a_sweep_ends_with_every_run_in_the_store_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(GRID) == app.EXIT_FINISHED
    captured = capsys.readouterr()
    assert captured.out == "report: reports/small.html\n"
    assert "small: 12 runs, 0 held already, 12 to train in 4 packs" in captured.err
    assert counts("small") == {"finished": 12}
    assert "<html" in Path("reports/small.html").read_text()
    assert json.loads(Path("reports/small.json").read_text())
    assert Path("reports/index.html").exists()


@quick
@pytest.mark.usefixtures("grid")
def test_the_same_command_again_trains_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = digests("small")
    assert main(GRID) == app.EXIT_FINISHED
    assert "12 runs, 12 held already, 0 to train in 0 packs" in capsys.readouterr().err
    pd.testing.assert_series_equal(digests("small"), before)


@quick
@pytest.mark.usefixtures("grid")
def test_another_value_on_an_axis_trains_only_the_new_cells(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*GRID, "seed=range(4)"]) == app.EXIT_FINISHED
    assert "16 runs, 12 held already, 4 to train" in capsys.readouterr().err
    assert load("small").runs["reused"].sum() == 12
    assert main([*GRID, "seed=range(5)", "name=other"]) == app.EXIT_FINISHED
    assert "20 runs, 16 held already, 4 to train" in capsys.readouterr().err


@quick
@pytest.mark.usefixtures("grid")
def test_reuse_false_trains_anew_to_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    before = digests("small")
    assert main([*GRID, "reuse=false", "workers=2"]) == app.EXIT_FINISHED
    assert "12 runs, 0 held already, 12 to train" in capsys.readouterr().err
    pd.testing.assert_series_equal(digests("small"), before)


def test_a_dry_run_prints_the_plan_and_leaves_the_folder_as_it_was(
    capsys: pytest.CaptureFixture[str], workspace: Path
) -> None:
    (workspace / "mlflow.db").unlink()
    assert main([*GRID, "dry_run=true"]) == app.EXIT_FINISHED
    assert "sweep small: 12 cells, 12 runs; 0 held already, 12 to train in 4 packs" in capsys.readouterr().out
    assert list(workspace.iterdir()) == []


@quick
@pytest.mark.usefixtures("grid")
def test_a_dry_run_knows_what_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    main([*GRID, "seed=range(4)", "dry_run=true"])
    assert "12 held already, 4 to train" in capsys.readouterr().out


@quick
def test_a_sweep_without_a_name_is_named_by_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SMALL) == app.EXIT_FINISHED
    page = Path(capsys.readouterr().out.removeprefix("report: ").strip())
    assert page.exists()
    assert page.stem.startswith("sweep-")
    assert counts(page.stem) == {"finished": 1}


@quick
def test_a_failure_is_told_with_its_reason_and_costs_only_its_own_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.sweep.execution import pack_training as training

    honest = training.train

    def train(pack, *given):  # type: ignore[no-untyped-def]
        if pack.depth == 1 and pack.optimizer == "adam":
            raise RuntimeError("the disk is full")
        return honest(pack, *given)

    monkeypatch.setattr(training, "train", train)
    assert main(GRID) == app.EXIT_FAILED
    told = "3 runs failed: RuntimeError: the disk is full\n  cell 9: network.depth=1 optimizer=adam seed=0\n"
    assert told in capsys.readouterr().err
    assert counts("small") == {"finished": 9, "failed": 3}
    assert "the disk is full" in Path("reports/small.html").read_text()
    monkeypatch.setattr(training, "train", honest)
    assert main(GRID) == app.EXIT_FINISHED
    assert "9 held already, 3 to train" in capsys.readouterr().err


@quick
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    grid_trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = EXECUTORS["inline"].train

    def interrupted(packs: Sequence[PlannedPack], context: ExecutionContext) -> Messages:
        for message in honest(packs, context):
            yield message
            if isinstance(message, PackDone):
                raise KeyboardInterrupt

    monkeypatch.setattr(EXECUTORS["inline"], "train", interrupted)
    assert main(GRID) == EXIT_INTERRUPTED
    assert "the same command goes on" in capsys.readouterr().err
    assert counts("small") == {"pending": 9, "finished": 3}
    monkeypatch.setattr(EXECUTORS["inline"], "train", honest)
    assert main(GRID) == app.EXIT_FINISHED
    assert counts("small") == {"finished": 12}
    expected = load("small", f"sqlite:///{grid_trained}/mlflow.db").runs.set_index("cell")["weights_digest"]
    pd.testing.assert_series_equal(digests("small"), expected)


@quick
@pytest.mark.usefixtures("grid")
def test_a_page_is_made_from_the_store_alone() -> None:
    page = Path("reports/small.html")
    first = page.read_bytes()
    page.unlink()
    sweep_page.write_report("small", Experiment())
    assert page.read_bytes() == first


@quick
@pytest.mark.parametrize("choice", ["breast_cancer", "diabetes", "spirals"])
def test_other_tasks_than_many_classes_go_the_whole_way(choice: str) -> None:
    assert main([f"data={choice}", *SMALL[2:], "seed=0,1", "name=task"]) == app.EXIT_FINISHED
    assert counts("task") == {"finished": 2}


def test_a_device_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from workbench.engine.backend import cuda_is_usable

    if cuda_is_usable():
        assert main([*SMALL, "device=cuda"]) == app.EXIT_FINISHED
        return
    assert main([*SMALL[:-2], "device=cuda"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "extra 'gpu'" in error


@pytest.mark.usefixtures("blank_figures")
def test_a_sweep_notes_the_shapes_of_its_data_so_that_its_page_can_draw_the_network() -> None:
    assert main([*SMALL, "name=drawn"]) == app.EXIT_FINISHED
    assert load("drawn").facts["data_shapes"] == "blobs 2 -> 4"
    assert ">The network</span>" in Path("reports/drawn.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("network", "slower"),
    [(["network=cnn", "network.stride=2", "network.pool=none"], "five to ten times"), ([], "two to three times")],
)
def test_how_much_slower_the_plain_kernel_is_depends_on_the_network(
    network: list[str], slower: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choice, "numba_fault", lambda: "Numba is away")
    assert main([*network, "dry_run=true"]) == app.EXIT_FINISHED
    assert f"Numba is away: the plain kernel trains, {slower} slower\n" in capsys.readouterr().err


@quick
def test_what_departs_from_the_sweep_file_is_held_and_its_claims_stay_open() -> None:
    assert main(["+sweep=smoothness", "training.epochs=1", "network.width=4", "seed=range(2)"]) == app.EXIT_FINISHED
    variant = "smoothness-width-4-epochs-1"
    assert set(json.loads(load(variant).facts["departures"])) == {"training.epochs", "network.width"}
    page = json.loads(Path(f"reports/{variant}.json").read_text())
    assert page["verdicts"]
    assert all(found["verdict"] == "inconclusive" for found in page["verdicts"].values())
    assert all("Withheld" in found["sentence"] for found in page["verdicts"].values())
