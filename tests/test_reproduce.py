"""One command for every claim: what is asked, what a failed sweep costs the others, and all verdicts in one file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.question import CLAIM, SWEEP
from workbench import cli
from workbench.engine.errors import BadInput
from workbench.report.page import verdict_list
from workbench.report.page.page_data import FORMAT
from workbench.sweep.execution import cores
from workbench.words import list as listing
from workbench.words import reproduce

DATASETS = 'DATASETS = {"digits": [], "spirals": ["data.noise=0.1"]}'  # of the experiment, beside its claim


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with two questions of a person's own, one of them with a value that is not allowed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cores, "cores", lambda: 1)  # what several do at a time is told in `test_lanes`
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "experiments").mkdir()
    for name, text in (("mine", SWEEP), ("broken", SWEEP.replace("epochs: 1", "epochs: -1"))):
        (tmp_path / "conf" / "sweep" / f"{name}.yaml").write_text(text)
        (tmp_path / "experiments" / f"{name}.py").write_text(CLAIM + DATASETS)


def test_every_experiment_with_a_sweep_is_asked_ours_and_a_persons_own() -> None:
    every = reproduce.planned([], "digits")
    assert {"mine", "vanishing_gradients", "sparsity", "dropout"} <= set(every)
    assert every["dropout"] == ["+sweep=dropout"]
    assert "tour" not in every
    assert "srivastava2014_mnist" not in every
    assert reproduce.planned(["srivastava2014_mnist"], "digits")


def test_on_another_dataset_only_what_says_how() -> None:
    assert reproduce.planned([], "spirals")["mine"] == [
        "+sweep=mine", "name=mine-spirals", "data=spirals", "data.noise=0.1",
    ]  # fmt: skip
    assert "vanishing_gradients" in reproduce.planned([], "mnist")
    assert reproduce.planned(["memorizers"], "breast_cancer")["memorizers"] == [
        "+sweep=memorizers", "name=memorizers-breast_cancer", "data=breast_cancer",
    ]  # fmt: skip
    for stems, data in ((["dropout"], "breast_cancer"), (["nothing"], "digits"), ([], "elsewhere")):
        with pytest.raises(BadInput, match=r"dropout|nothing|elsewhere"):
            reproduce.planned(stems, data)


def test_an_unknown_dataset_gets_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"allowed: digits, .*mnist.*breast_cancer.*spirals"):
        reproduce.planned([], "mnits")


def test_what_is_asked_on_which_dataset_is_one_table() -> None:
    rows = [row[:3] for row in listing.asked().rows]
    assert ("mnist", "memorizers", "data.train_size=1200 data.validation=0.02") in rows
    assert ("breast_cancer", "memorizers", "") in rows
    assert ("spirals", "mine", "data.noise=0.1") in rows
    for name in ("mnist", "breast_cancer", "spirals"):
        assert set(reproduce.planned([], name)) == {stem for data, stem, _ in rows if data == name}


@pytest.mark.usefixtures("no_figures")
def test_a_failed_sweep_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["reproduce", "broken", "mine", "--set", "workers=1", "device=cpu"]
    assert cli.main(arguments) == 2
    told = capsys.readouterr().err
    assert "[1 of 2] broken took" in told
    assert "24 to train" in told
    index = json.loads(Path("reports/index.json").read_text())
    (section,) = index["sections"]
    (verdict,) = section["claims"]
    assert (section["section"], verdict["id"], verdict["n"], verdict["page"]) == ("Mine", "Q1", 12, "mine.html")
    assert sum(index["counts"].values()) == 1
    assert "C4" in index["without"]
    assert cli.main(arguments) == 2
    assert "24 held already, 0 to train" in capsys.readouterr().err


@pytest.mark.thorough
@pytest.mark.usefixtures("no_figures")
def test_settling_trains_the_first_look_and_goes_on_only_while_a_claim_is_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sweep, looks = SWEEP.replace("range(12)", "range(24)"), "tuple(range(24)), looks=(12, 24)"
    open_, decided = (CLAIM.replace("tuple(range(12))", looks).replace("0.0,", margin) for margin in ("0.0,", "0.9,"))
    for name, claim in (("open", open_), ("decided", decided)):
        (tmp_path / "conf" / "sweep" / f"{name}.yaml").write_text(sweep)
        (tmp_path / "experiments" / f"{name}.py").write_text(claim.replace("Q1", name))
    command = ["reproduce", "open", "decided", "--settle", "--set", "workers=1", "device=cpu"]
    assert cli.main(command) == 0
    told = capsys.readouterr().err
    assert "open: 24 runs, 0 held already" in told
    assert "open: open open at 12 seeds; 24 seeds are looked at next" in told
    assert "open: 48 runs, 24 held already" in told
    assert "decided: 24 runs" in told
    assert "decided: 48 runs" not in told


def test_settling_plans_the_first_look_and_looks_at_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    claim = CLAIM.replace("tuple(range(12))", "tuple(range(24)), looks=(12, 24)")
    (tmp_path / "experiments" / "mine.py").write_text(claim)
    command = ["reproduce", "mine", "--settle", "--set", "workers=1", "device=cpu", "dry_run=true"]
    assert cli.main(command) == 0
    assert "24 to train" in capsys.readouterr().out
    assert not Path("mlflow.db").exists()


def test_the_commands_can_be_looked_at_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "mine", "--list", "--set", "workers=1"]) == 0
    assert capsys.readouterr().out == "workbench +sweep=mine workers=1\n"
    assert not Path("mlflow.db").exists()


@pytest.mark.usefixtures("no_figures")
def test_for_a_machine_everything_is_one_document(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["reproduce", "broken", "mine", "--json", "--quiet", "--set", "workers=1", "device=cpu"]
    assert cli.main(arguments) == 2
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert (found["document"], found["exit_status"]) == ("workbench.reproduce", 2)
    broken, mine = found["sweeps"]
    assert (broken["stem"], broken["exit_status"], broken["result"]) == ("broken", 2, None)
    assert mine["command"] == "workbench +sweep=mine workers=1 device=cpu"
    assert (mine["result"]["document"], mine["result"]["runs"]) == ("workbench.sweep", 24)
    assert found["verdicts"].pop("index") == "reports/index.html"
    assert found["verdicts"] == {**json.loads(Path("reports/index.json").read_text()), "file": "reports/index.json"}
    assert [line for line in err.splitlines() if "training.epochs" not in line] == []  # only what is wrong with broken


def test_the_commands_and_plans_are_documents_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "mine", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sweeps"] == [{"stem": "mine", "command": "workbench +sweep=mine"}]
    assert cli.main(["reproduce", "mine", "--json", "--set", "dry_run=true", "device=cpu"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sweeps"][0]["result"]["to_train"] == 24
    assert found["verdicts"] is None


def test_no_index_is_named_where_no_sweep_came_to_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "broken"]) == 2
    assert capsys.readouterr().out.splitlines()[-1] == "verdicts: reports/index.json"


@pytest.mark.usefixtures("no_figures")
def test_the_verdicts_are_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "mine", "--quiet", "--set", "workers=1", "device=cpu"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "verdicts: reports/index.json and reports/index.html"
    assert err == ""


def page(folder: Path, name: str, started: str, dataset: str, verdicts: dict[str, Any]) -> None:
    data = {"format": FORMAT, "name": name, "dataset": dataset, "provenance": {"started": started}}
    (folder / f"{name}.json").write_text(json.dumps(data | {"verdicts": verdicts}))


def short(word: str) -> dict[str, Any]:
    part = {"effect": 0.1, "interval": [0.05, 0.15], "n": 12, "metric": "test_loss"}
    also = [part | {"verdict": word, "effect": 0.7}]
    return part | {"verdict": word, "by_itself": "reproduced", "also": also, "section": "s"}


def test_printed_commands_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    value = "description=$(touch pwned) `x` 'y'"
    assert cli.main(["reproduce", "mine", "--list", "--set", value]) == 0
    assert shlex.split(capsys.readouterr().out)[-1] == value


def test_verdicts_stand_in_the_order_of_the_notes_the_latest_of_each_dataset(tmp_path: Path) -> None:
    page(tmp_path, "old", "2026-01-01", "digits", {"C10": short("contradicted"), "A2": short("reproduced")})
    page(tmp_path, "new", "2026-01-02", "digits", {"C10": short("reproduced")})
    page(tmp_path, "other", "2026-01-01", "mnist", {"C10": short("inconclusive"), "C9": short("reproduced")})
    (tmp_path / "notes.json").write_text("[1, 2]")
    found = verdict_list.gather(tmp_path)
    assert [(one["id"], one["dataset"], one["verdict"]) for one in found] == [
        ("A2", "digits", "reproduced"), ("C9", "mnist", "reproduced"), ("C10", "digits", "reproduced"),
        ("C10", "mnist", "inconclusive"),
    ]  # fmt: skip
    told = verdict_list.in_words(found)
    assert "3 reproduced and 1 inconclusive" in told
    assert "C10  reproduced      +0.100 (+0.0500 to +0.150) n = 12 digits" in told
    assert "C10  inconclusive    +0.700" in told  # of a claim of several rules the part that its verdict rests on
    data = json.loads(verdict_list.write(found, tmp_path).read_text())
    assert [section["section"] for section in data["sections"]] == [
        "The model", "Doing badly on the training data",
    ]  # fmt: skip
    assert verdict_list.gather(tmp_path) == found  # index.json is no page


def test_a_claim_that_holds_on_one_dataset_and_fails_on_another_is_conditional_on_the_data(tmp_path: Path) -> None:
    first = {"D1": short("reproduced"), "D3": short("reproduced"), "D7": short("reproduced")}
    open_, short_of = short("inconclusive"), short("inconclusive") | {"ruled_out": True}
    second = {"D1": short("not reproduced"), "D3": open_, "D7": short_of}
    page(tmp_path, "one", "2026-01-01", "digits", first)
    page(tmp_path, "two", "2026-01-02", "mnist", second)
    found = verdict_list.gather(tmp_path)
    told = {one["id"]: one["on_data"] for one in found}
    assert told == {
        "D1": "conditional on the data: reproduced on digits and not reproduced on mnist", "D3": "",
        "D7": "conditional on the data: reproduced on digits and ruled out on mnist",
    }  # fmt: skip
    assert told["D1"] in verdict_list.in_words(found)
