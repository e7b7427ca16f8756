"""What rules of a person's own bring as settings, and what a command says of those that are wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.types import RunMode

from workbench import cli
from workbench.config import own_rules, schema
from workbench.engine.errors import BadInput
from workbench.engine.rules import rule_files
from workbench.sweep.hydra.register import loader

HEAD = "import numpy as np\nfrom workbench.rules import Hyperparameter, Optimizer, Penalty\n"
PULL = """
def mine(w, g, at):
    return (w - at.learning_rate * at.NAME * g,)

OPTIMIZERS = {"mine": Optimizer("scaled", (), mine, hyperparameters={"NAME": Hyperparameter(0.5, low=0, high=1)})}
"""
OTHER = """
def other(w, g, at):
    return (w - at.learning_rate * at.pull * g,)

OPTIMIZERS = {"other": Optimizer("scaled", (), other, hyperparameters={"pull": Hyperparameter(DEFAULT, low=0, high=1)})}
"""
PENALTY = """
PENALTIES = {"NAME": Penalty("l2", "gradient", lambda w, g, at: g + at.NAME * w)}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of rules; afterwards nobody has any, and the settings are ours again."""
    monkeypatch.chdir(tmp_path)
    before = dict(schema._settings), dict(schema._sections), set(schema._brought)
    (tmp_path / "rules").mkdir()
    yield tmp_path / "rules"
    rule_files.uninstall()
    for now, was in zip((schema._settings, schema._sections, schema._brought), before, strict=True):
        now.clear()
        now.update(was)


@pytest.mark.parametrize("name", ["name", "beta1", "seed", "bias1"])
def test_a_hyperparameter_may_not_have_the_name_of_a_setting_or_column_of_ours(name: str, folder: Path) -> None:
    (folder / "mine.py").write_text(HEAD + PULL.replace("NAME", name))
    with pytest.raises(BadInput, match=rf"^rules/mine\.py: OPTIMIZERS\['mine'\]: '{name}' is a setting of Workbench"):
        own_rules.load_own_rules(folder)


@pytest.mark.parametrize("name", ["strength", "momentum", "epochs"])
def test_nor_may_a_penalty(name: str, folder: Path) -> None:
    (folder / "mine.py").write_text(HEAD + PENALTY.replace("NAME", name))
    with pytest.raises(BadInput, match=f"'{name}' is a setting of Workbench"):
        own_rules.load_own_rules(folder)


def test_two_optimizers_may_share_a_hyperparameter_if_it_is_the_same(folder: Path) -> None:
    (folder / "mine.py").write_text(HEAD + PULL.replace("NAME", "pull"))
    (folder / "other.py").write_text(HEAD + OTHER.replace("DEFAULT", "0.5"))
    own_rules.load_own_rules(folder)
    assert schema.SETTINGS["optimizer.pull"].default == 0.5
    rule_files.uninstall()
    (folder / "other.py").write_text(HEAD + OTHER.replace("DEFAULT", "0.6"))
    with pytest.raises(BadInput, match=r"^rules/other\.py: OPTIMIZERS\['other'\]: mine has another 'pull'"):
        own_rules.load_own_rules(folder)


WRONG = {
    ("PULL", "optimizer.pull=2"): "optimizer.pull is 2.0; allowed: a number, 0 <= x <= 1",
    ("PULL", "optimizer.pull=0.5,-1"): "optimizer.pull is -1.0; allowed: a number, 0 <= x <= 1",
    ("lambda w, g: (w,)", "seed=1"): "rules/mine.py: optimizer 'mine': raises TypeError",
    ("lambda w, g, at: 1 / 0", "seed=1"): "rules/mine.py: optimizer 'mine': raises ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_command_says_what_is_wrong_in_one_line_and_begins_nothing(
    case: tuple[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    update, override = case
    text = PULL.replace("NAME", "pull")
    (folder / "mine.py").write_text(HEAD + (text if update == "PULL" else text.replace("(), mine,", f"(), {update},")))
    assert cli.main(["data=blobs", "device=cpu", "optimizer=mine", override]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1), err
    assert WRONG[case] in err
    assert [path.name for path in folder.parent.iterdir()] == ["rules"]


def test_what_a_rule_prints_does_not_get_into_a_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PULL.replace("NAME", "pull").replace("    return", "    print('taking a step')\n    return")
    (folder / "mine.py").write_text(HEAD + "print('being read')\n" + text)
    assert cli.main(["data=blobs", "device=cpu", "optimizer=mine", "dry_run=true", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["document"] == "workbench.plan"
    assert {"being read", "taking a step"} <= {*err.splitlines()}
    assert cli.main(["list", "optimizers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["document"] == "workbench.list"


BROKEN = {
    "it is no Python": "import workbench\nOPTIMIZERS = {\n",
    "it ends the process": HEAD + "raise SystemExit(3)\nOPTIMIZERS = {}\n",
    "it reads arguments": HEAD + "import argparse\nargparse.ArgumentParser().parse_args(['x'])\nOPTIMIZERS = {}\n",
    "a row is of another kind": HEAD + "OPTIMIZERS = {'mine': 3}\n",
    "its table is misspelt": HEAD + "OPTIMISERS = {'mine': 3}\n",
}
COMMAND = ["data=blobs", "device=cpu", "dry_run=true"]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_file_that_cannot_be_used_costs_its_own_rules_alone(
    fault: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(BROKEN[fault])
    (folder / "other.py").write_text(HEAD + OTHER.replace("DEFAULT", "0.5"))
    assert cli.main([*COMMAND, "optimizer=other"]) == 0
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "rules/mine.py" in line]
    assert warning.endswith("; the command goes on without its rules")
    assert cli.main([*COMMAND, "optimizer=other"]) == 0
    assert "mine.py" not in capsys.readouterr().err, "said once in a process"


@pytest.mark.parametrize(("written", "meant"), [("OPTIMISERS", "OPTIMIZERS"), ("activation", "ACTIVATIONS")])
def test_a_table_whose_name_is_misspelt_is_told_which_was_meant(
    written: str, meant: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(HEAD + f"{written} = {{}}\n")
    assert cli.main([*COMMAND, "--quiet", "optimizer=mine"]) == 2
    assert (
        f"(could not be used: rules/mine.py: {written} is no table; did you mean {meant}?)" in capsys.readouterr().err
    )


def test_a_file_without_tables_is_none_of_ours(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "shared.py").write_text(HEAD + "ACTIVATION = 3\nSHARED = {}\n")
    assert cli.main(COMMAND) == 0
    assert "shared.py" not in capsys.readouterr().err


ASKING = {
    "an optimizer": ["optimizer=mine"],
    "one of several": ["optimizer=sgd,mine"],
    "an activation": ["network.activation=mine"],
    "a hyperparameter": ["optimizer.pull=0.5"],
    "a penalty's strength": ["penalty.mine=0.5"],
    "a choice of a sweep file": ["+sweep=choosing"],
    "a setting of a sweep file": ["+sweep=setting"],
}


@pytest.mark.parametrize("asked", ASKING)
def test_a_command_that_asks_for_a_rule_that_is_not_known_is_told_of_the_file(
    asked: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(HEAD + "1 / 0\nOPTIMIZERS = {}\n")
    sweeps = folder.parent / "conf" / "sweep"
    sweeps.mkdir(parents=True)
    (sweeps / "choosing.yaml").write_text("# @package _global_\ndefaults: [override /optimizer: mine]\n")
    (sweeps / "setting.yaml").write_text("# @package _global_\noptimizer: {pull: 0.5}\n")
    assert cli.main([*COMMAND, "--quiet", *ASKING[asked]]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "(could not be used: rules/mine.py, line 3: raises ZeroDivisionError: division by zero)" in err


def test_what_is_wrong_for_another_reason_is_not_put_on_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(BROKEN["it is no Python"])
    assert cli.main([*COMMAND, "--quiet", "network.depth=x"]) == 2
    assert "mine.py" not in capsys.readouterr().err


def test_a_name_that_is_taken_is_refused_since_a_command_may_mean_either(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.py").write_text(HEAD + PENALTY.replace("NAME", "l2"))
    assert cli.main(COMMAND) == 2
    assert "rules/mine.py: PENALTIES has a row named 'l2', and Workbench has one too" in capsys.readouterr().err


def test_a_file_that_raises_is_run_once_and_again_if_it_changes(folder: Path) -> None:
    text = HEAD + "with open('runs', 'a') as file: file.write('x')\n1 / 0\nOPTIMIZERS = {}\n"
    for times in (1, 2):
        (folder / "mine.py").write_text(text + "# changed\n" * times)
        assert len(own_rules.load_own_rules(folder)) == (times == 1)
        own_rules.load_own_rules(folder)
        assert (folder.parent / "runs").read_text() == "x" * times


def test_who_composes_after_rules_are_gone_has_their_settings_no_more(folder: Path) -> None:
    ours = dict(schema._sections)
    (folder / "mine.py").write_text(HEAD + PULL.replace("NAME", "pull"))
    own_rules.load_own_rules(folder)
    assert "pull" in loader().load_configuration("config", [], RunMode.MULTIRUN).optimizer
    rule_files.uninstall()
    schema._sections.clear()
    schema._sections.update(ours)
    assert "pull" not in loader().load_configuration("config", [], RunMode.MULTIRUN).optimizer
