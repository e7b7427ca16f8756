"""Housekeeping: what sweeps take on disk, one of them deleted, one taken elsewhere."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pandas as pd
import pytest

from tests import stores
from tests.blank import leave_out
from tests.once import made_once
from tests.unwritable import unwritable
from workbench import app, cli, load_run
from workbench.engine.errors import BadInput
from workbench.report import sweep_page
from workbench.report.experiments import Experiment
from workbench.sweep.hydra.command import main
from workbench.tracking import export
from workbench.tracking.read import load

pytestmark = pytest.mark.usefixtures("no_figures")
SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of three runs, and one that shows two of them and one of its own."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            leave_out(patch.setattr)
            assert main([*SMALL, "seed=range(3)", "name=first"]) == app.EXIT_FINISHED
            assert main([*SMALL, "seed=range(1,4)", "name=second"]) == app.EXIT_FINISHED
        stores.settle(folder / "mlflow.db")

    return made_once(tmp_path_factory, "two-sweeps", make)


@pytest.fixture(autouse=True)
def workspace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the test works."""
    folder = stores.copied(trained, tmp_path / "work space")
    monkeypatch.chdir(folder)
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """All that lies in a folder, with what is in the files; a database, and what SQLite keeps beside it, by name alone:
    a copied store is told where it lies now when it is first read.
    """
    found = [path for path in sorted(folder.rglob("*")) if not path.name.endswith(("-wal", "-shm"))]
    files = [path for path in found if path.is_file() and path.suffix != ".db"]
    return {str(path.relative_to(folder)): path.read_bytes() if path in files else b"" for path in found}


def change(statement: str, *values: str) -> None:
    """Make the store one that somebody else made."""
    with closing(sqlite3.connect("mlflow.db")) as database:
        database.execute(statement, values)
        database.commit()


def run_ids(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return {run for (run,) in database.execute("SELECT run_uuid FROM runs")}


def test_every_sweep_is_listed_with_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["sweeps"]) == 0
    title, heads, first, second = capsys.readouterr().out.splitlines()[:4]
    assert (title, heads.split()[0]) == ("Sweeps in the store", "name")
    assert first.split()[:3] == ["first", "1", "3"]
    assert second.split()[:3] == ["second", "1", "3"]
    assert "KiB" in first


def test_artifacts_that_lie_in_a_strange_folder_have_no_known_size(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", workspace.as_uri(), load("second").facts["run_id"])
    capsys.readouterr()
    assert cli.main(["sweeps"]) == 0
    first, second = capsys.readouterr().out.splitlines()[2:4]
    assert ("unknown" in first, "unknown" in second) == (False, True)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert cli.main(["sweeps", "list"]) == 0
    assert not list(Path.cwd().iterdir())


def test_a_sweep_is_not_deleted_before_somebody_says_yes(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(workspace)
    assert cli.main(["sweeps", "delete", "second"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "second: 3 runs" in line
    assert "reports/second.html" in line
    assert line.endswith("type --yes as well")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    for answer, status in (("n", 2), ("", 2), (EOFError, 2), (KeyboardInterrupt, 2), ("yes", 0)):
        monkeypatch.setattr("builtins.input", Mock(side_effect=[answer]))
        assert cli.main(["sweeps", "delete", "second"]) == status
        assert (everything(workspace) == before) is bool(status)
        said = capsys.readouterr().err
        assert "this will go:" in said
        assert ("nothing was deleted" in said) is bool(status)


def test_a_deleted_sweep_takes_everything_of_it_along(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sweeps", "delete", "--yes", "first"]) == 2
    assert "2 runs of 'first' are shown in 'second' as well; delete that one first" in capsys.readouterr().err
    first = load("first")
    assert cli.main(["sweeps", "delete", "--yes", "second"]) == 0
    assert capsys.readouterr().out == "deleted: second, 3 runs\n"
    assert run_ids(workspace) == {*first.runs["run_id"], first.facts["run_id"]}
    assert len(list((workspace / "mlruns" / "workbench").iterdir())) == 1
    assert not list(workspace.glob("reports/second*"))
    assert not (workspace / "sweeps" / "second").exists()
    pd.testing.assert_frame_equal(load("first").epochs, first.epochs)
    assert cli.main(["sweeps", "delete", "--yes", "second"]) == 2
    assert "holds none called 'second'" in capsys.readouterr().err
    assert main([*SMALL, "seed=range(3)", "name=first"]) == app.EXIT_FINISHED
    assert "3 held already" in capsys.readouterr().err


def test_an_exported_sweep_opens_elsewhere_and_what_goes_on_there_stays_there(
    trained: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """MLflow remembers, by the id of a run alone, where its artifacts lay: the store that this process made."""
    expected, origin = load("second"), everything(trained)
    assert cli.main(["sweeps", "export", "second", str(tmp_path / "out")]) == 0
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
    assert cli.main(["sweeps"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:-1]] == ["second"]
    assert main([*SMALL, "seed=range(1,4)", "name=second"]) == app.EXIT_FINISHED
    assert sweep_page.write_report("second", Experiment()).html.exists()
    assert everything(trained) == origin


def test_an_imported_sweep_is_the_one_that_was_exported_and_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = load("second")
    assert cli.main(["sweeps", "export", "second", str(tmp_path / "out")]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.copyfile(empty_database, "mlflow.db")
    for _ in range(2):
        assert cli.main(["sweeps", "import", "second", str(tmp_path / "out")]) == 0
    found = load("second")
    own = ["run_id", "origin", "reused", "pack"]  # here all of its runs are its own
    pd.testing.assert_frame_equal(found.runs.drop(columns=own), expected.runs.drop(columns=own))
    for name in ("epochs", "layers"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
    assert {name: found.facts[name] for name in ("missing", "digest", "data_digest")} == {
        name: expected.facts[name] for name in ("missing", "digest", "data_digest")
    }
    capsys.readouterr()
    assert main([*SMALL, "seed=range(1,4)", "name=second"]) == app.EXIT_FINISHED
    assert "3 held already, 0 to train" in capsys.readouterr().err
    assert cli.main(["sweeps", "import", "third", str(tmp_path / "out")]) == 2
    assert "holds none called 'third'" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "out" / "mlruns")
    assert cli.main(["sweeps", "import", "second", str(tmp_path / "out")]) == 2
    assert "sweep: the artifacts of 'second' are gone from sqlite:///" in capsys.readouterr().err


GONE = {
    "a history": ("{first}/artifacts/packs/*/epochs.parquet", r"packs/\w+/epochs\.parquet", 3),
    "a history of its own": ("{second}/artifacts/packs", r"packs/\w+/epochs\.parquet, packs/\w+/layers\.parquet", 3),
    "the plan": ("{second}/artifacts/plan.parquet", r"plan\.parquet", 0),
    "what was asked": ("{second}/artifacts/sweep.json", r"sweep\.json", 3),
    "everything of its own": ("{second}", r"plan\.parquet, sweep\.json, packs/\w+/epochs\.parquet and 1 other file", 0),
    "all artifacts": ("../workbench", r"plan\.parquet, sweep\.json, packs/\w+/epochs\.parquet and \d other files", 0),
}


@pytest.mark.parametrize("gone", GONE)
def test_what_is_gone_of_an_exported_sweep_is_said_and_the_rest_is_kept(
    gone: str, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern, said, cells = GONE[gone]
    runs = {name: load(name).facts["run_id"] for name in ("first", "second")}
    for path in list((workspace / "mlruns" / "workbench").glob(pattern.format(**runs))):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    capsys.readouterr()
    assert cli.main(["sweeps", "export", "second", "copy"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("exported in part: copy ")
    assert re.fullmatch(rf"sweep 'second': gone from its store, or damaged there: {said}\n", err)
    monkeypatch.chdir("copy")
    assert run_ids(Path()) >= {runs["second"]}
    assert len(run_ids(Path())) >= 4, "the parent and its three children"
    if cells:
        assert len(load("second").runs) == cells


def test_a_damaged_plan_is_no_whole_export(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plan,) = workspace.glob(f"mlruns/workbench/{load('second').facts['run_id']}/artifacts/plan.parquet")
    plan.write_bytes(b"damaged")
    capsys.readouterr()
    assert cli.main(["sweeps", "export", "second", "copy"]) == 1
    assert "gone from its store, or damaged there: plan.parquet\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["export", "third", "out"], "holds none called 'third'"),
        (["export", "first", "sweeps"], "is there already"),
        (["export", "first", "out/../sweeps"], "out/../sweeps is there already"),
        (["export", "first", "/"], "/ is there already"),
        (["export", "first", "mlflow.db/out"], "found no folder that can be made (Not a directory)"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.main(["sweeps", *arguments]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("(") == complaint.count("(")
    assert error.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("delet", "found delet; did you mean delete? (see workbench sweeps --help)\n"),
        ("take", "found take; allowed: list, delete, export, import (see workbench sweeps --help)\n"),
    ],
)
def test_what_is_no_way_to_keep_house_is_told_what_is(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sweeps", typed, "first"]) == 2
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("store", ["sqlite:///mlflow.db", "sqlite:///none.db"])
def test_deleting_what_is_not_there_makes_and_takes_nothing(
    store: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace.parent / "mine").mkdir()
    before = everything(workspace.parent)
    for name in ("typo", "..", "../..", "../mine", "/", "", "a\nb", "x" * 5000, "first/..", "irst"):
        capsys.readouterr()
        assert cli.main(["sweeps", "--uri", store, "delete", name, "--yes"]) == 2
        assert cli.main(["sweeps", "--uri", store, "export", name, "out"]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 2
        assert "holds none called" in error or "there is no store" in error
    assert everything(workspace.parent) == before


def test_a_name_of_a_foreign_store_does_not_leave_its_folder(workspace: Path) -> None:
    precious = workspace.parent / "outside" / "precious"
    for folder in (precious.parent, workspace / "reports" / "outside"):
        folder.mkdir(parents=True)
    precious.write_text("mine")
    change("UPDATE tags SET value = '../../outside' WHERE key = 'workbench.sweep' AND value = 'second'")
    assert cli.main(["report", "../../outside"]) == 0
    assert cli.main(["sweeps", "export", "../../outside", "copy"]) == 0
    assert {path.name for path in workspace.parent.iterdir()} == {"work space", "outside"}
    assert len(list((workspace / "copy" / "reports").iterdir())) == 2
    assert cli.main(["sweeps", "delete", "--yes", "../../outside"]) == 0
    assert precious.read_text() == "mine"
    assert [path.name for path in precious.parent.iterdir()] == ["precious"]


def test_a_sweep_file_of_a_foreign_store_is_not_run(workspace: Path) -> None:
    (workspace / "experiments").mkdir()
    (workspace / "evil.py").write_text("raise SystemExit('run')")
    for stem in ("../evil", "x" * 5000, "a\0"):
        assert sweep_page.experiment_of_sweep(None, stem) == Experiment()


def test_artifacts_of_a_foreign_store_do_not_lead_out(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = load("second").facts["run_id"]
    mine = workspace.parent / "mine" / run / "artifacts"
    shutil.copytree(workspace / "mlruns" / "workbench" / run / "artifacts", mine)
    elsewhere = workspace.parent / "secret"
    elsewhere.write_text("of another person", encoding="utf-8")
    (mine / "secret").symlink_to(elsewhere)
    change("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", mine.as_uri(), run)
    before = everything(mine)
    assert cli.main(["sweeps", "export", "second", "copy"]) == 0
    assert (workspace / "copy" / "mlruns" / "workbench" / run / "artifacts" / "plan.parquet").exists()
    assert not list((workspace / "copy").rglob("secret"))
    assert cli.main(["sweeps", "delete", "--yes", "second"]) == 0
    assert everything(mine) == before
    assert f"{mine} lies outside the store and is not deleted" in capsys.readouterr().err


def test_a_strange_run_id_is_not_exported(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = load("second").facts["run_id"]
    for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
        change(f"UPDATE {table} SET run_uuid = '../../../out' WHERE run_uuid = ?", run)
    assert cli.main(["sweeps", "export", "second", "copy"]) == 2
    assert "which is no run id of MLflow's" in capsys.readouterr().err
    assert not (workspace / "copy").exists()


def test_of_a_link_in_sweeps_the_link_alone_is_deleted(workspace: Path) -> None:
    mine = workspace.parent / "mine"
    (workspace / "sweeps" / "second").rename(mine)
    (workspace / "sweeps" / "second").symlink_to(mine)
    assert cli.main(["sweeps", "delete", "--yes", "second"]) == 0
    assert not (workspace / "sweeps" / "second").is_symlink()
    assert (mine / "log.txt").exists()


def test_a_sweep_below_another_name_is_not_deleted_with_it() -> None:
    change("UPDATE tags SET value = 'group/second' WHERE key = 'workbench.sweep' AND value = 'second'")
    assert cli.main(["sweeps", "delete", "--yes", "group"]) == 2
    assert cli.main(["sweeps", "delete", "--yes", "group/second"]) == 0


@pytest.mark.parametrize("typed", ["+sweep=../../outside", "+sweep=../sweep/own"])
def test_a_sweep_file_outside_its_folder_is_refused(
    typed: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "conf" / "sweep").mkdir(parents=True)
    for file in (workspace / "outside.yaml", workspace / "conf" / "sweep" / "own.yaml"):
        file.write_text("# @package _global_\nhydra: {sweeper: {params: {seed: '0,1'}}}\n")
    capsys.readouterr()
    before = everything(workspace.parent)
    assert main([typed, *SMALL]) == 2
    assert capsys.readouterr().err.startswith(f"sweep is '{typed.removeprefix('+sweep=')}'; type +sweep=")
    assert everything(workspace.parent) == before


def test_a_store_that_may_only_be_read_is_read(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, out = load("second"), str(tmp_path / "out")
    moved = workspace.rename(workspace.with_name("moved"))
    before = everything(moved)
    store = f"sqlite:///{moved}/mlflow.db"
    with unwritable(moved):
        found = load("second", store)
        assert found.facts["missing"] == ""
        for name in ("runs", "epochs", "layers"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
        assert cli.main(["report", "second", "--uri", store, "--folder", out]) == 0
        assert cli.main(["report", "--compare", "first", "second", "--uri", store, "--folder", out]) == 0
        assert cli.main(["sweeps", "--uri", store]) == 0
        assert cli.main(["sweeps", "--uri", store, "export", "second", str(tmp_path / "copy")]) == 0
        with pytest.raises(BadInput, match="its weights were not kept"):
            load_run(found.runs["run_id"][0], store)
        capsys.readouterr()
        assert main([*SMALL, "seed=range(5)", "name=first", "dry_run=true", f"tracking.uri='{store}'"]) == 0
        assert "4 held already, 1 to train" in capsys.readouterr().out
    assert everything(moved) == before
    pd.testing.assert_frame_equal(load("second", f"sqlite:///{tmp_path}/copy/mlflow.db").epochs, expected.epochs)


def test_what_another_process_wrote_last_is_read_where_nothing_may_be_written(workspace: Path) -> None:
    with closing(sqlite3.connect("mlflow.db")) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("UPDATE tags SET value = 'late' WHERE key = 'workbench.sweep' AND value = 'second'")
        database.commit()
        assert (workspace / "mlflow.db-wal").stat().st_size > 0
        with unwritable(workspace):
            assert len(load("late").runs) == 3


@pytest.mark.parametrize("folder", ["/dev/null/x", "mlflow.db", "mlflow.db/x", "x" * 300])
def test_a_folder_that_cannot_be_made_is_one_line(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["report", "first", "--folder", folder]) == 2
    assert cli.main(["report", "--compare", "first", "second", "--folder", folder]) == 2
    assert cli.main(["sweeps", "export", "first", folder]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 3
    assert error.count("no folder that can be made") + error.count("is there already") == 3


def test_pages_are_not_written_where_nothing_may_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "closed").mkdir()
    capsys.readouterr()
    with unwritable(tmp_path / "closed"):
        assert cli.main(["report", "first", "--folder", str(tmp_path / "closed")]) == 2
    assert capsys.readouterr().err.endswith("(Permission denied); pages lie there\n")


def test_something_else_where_a_page_is_to_be_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other/first.html").mkdir(parents=True)
    capsys.readouterr()
    assert cli.main(["report", "first", "--folder", "other"]) == 2
    assert capsys.readouterr().err == "other/first.html cannot be written (Is a directory)\n"


def test_a_copy_that_fails_half_way_leaves_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = everything(workspace)
    monkeypatch.setattr(export, "_copy", full)
    assert cli.main(["sweeps", "export", "second", "copy"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert everything(workspace) == before
