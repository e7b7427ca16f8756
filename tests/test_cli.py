"""The command: its words, its help, what it imports for an answer, and what a machine reads of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench import cli, output, places
from workbench.sweep.hydra import command
from workbench.sweep.hydra.command import parser
from workbench.words.completion import OPTIONS

ROOT = places.ours("conf").parent
HEAVY = ("hydra", "omegaconf", "mlflow", "pandas", "matplotlib", "numpy", "scipy", "rich", "yaml")
SMALL = ["data=blobs", "data.examples=120", "training.epochs=2", "network.width=4", "device=cpu", "workers=1"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> tuple[str, str]:
    """What a command prints: output, errors."""
    capsys.readouterr()
    assert cli.main(arguments) == status
    return capsys.readouterr()


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    out, err = said(capsys, *arguments, status=2)
    assert (out, err.count("\n")) == ("", 1), err
    return err


def test_the_console_script_is_the_command_itself() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, function = scripts["workbench"].partition(":")
    assert getattr(import_module(module), function) is cli.start
    assert "start()" in (ROOT / "workbench" / "__main__.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["--help", "seed=1"], ["completion", "bash"], ["lst"]]
)
def test_a_short_answer_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    script = f"import sys; from workbench.cli import main; main({arguments!r}); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert set(HEAVY) & set(ended.stderr.split()) == set()


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (f"workbench {workbench.__version__}\n", "")


def test_help_names_every_word_every_option_and_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = said(capsys, "--help")
    assert "usage: workbench" in text
    assert text.count("\n  workbench ") >= 3  # examples
    for name in (*cli.WORDS, *OPTIONS[""], "130 interrupted", "141", "2 bad input"):
        assert name in text


@pytest.mark.parametrize("word", cli.WORDS)
def test_the_help_of_a_word_says_what_it_does_with_three_examples_and_its_options(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text, _ = said(capsys, word, "--help")
    assert text.startswith(f"usage: workbench {word}")
    assert text.partition("examples:")[2].count(f"workbench {word}") == 3
    options = {part.strip(",") for part in text.split() if part.startswith("--")}
    assert set(OPTIONS[word]) <= options


def test_the_options_that_are_completed_are_those_of_a_run() -> None:
    known = {name for name in parser()._option_string_actions if name.startswith("--")}
    assert set(OPTIONS[""]) == known | {"--help", "--version"}


WRONG = {
    ("lst",): "lst: no word of workbench; did you mean list?",
    ("repot", "tour"): "did you mean report?",
    ("sweps",): "did you mean sweeps?",
    ("tour",): "a sweep is asked for by +sweep=tour",
    ("nothing",): "nothing: has no =; type key=value",
    ("seed=1", "list"): "list: has no =",
    ("--jsn",): "did you mean --json?",
    ("list", "keyz"): "did you mean keys?",
    ("list", "--jsn"): "did you mean --json?",
    ("report", "--opn"): "did you mean --open?",
    ("report", "--uri"): "--uri: expected one argument (see workbench report --help)",
    ("reproduce", "nothing"): "nothing is not the sweep of a claim",
    ("reproduce", "--liszt"): "did you mean --list?",
    ("sweeps", "delte", "tour"): "did you mean delete?",
    ("sweeps", "delete"): "delete: found nothing; allowed: NAME",
    ("sweeps", "export", "tour"): "allowed: NAME FOLDER",
    ("sweeps", "delete", "tour", "--json"): "--json: goes with list",
    ("completion",): "allowed: bash, zsh, fish",
    ("completion", "csh"): "allowed: bash, zsh, fish",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_cannot_be_meant_is_one_line_and_status_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert WRONG[arguments] in complaint(capsys, *arguments)


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    """The one document on standard output."""
    out, _ = said(capsys, *arguments, "--json", status=status)
    found: dict[str, Any] = json.loads(out)
    assert found["version"] == output.DOCUMENT_VERSION
    return found


def test_the_list_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "list")
    assert found["document"] == "workbench.list"
    keys = {row["key"]: row for row in found["topics"]["keys"]["rows"]}
    assert keys["network.depth"]["default"] == 2
    assert (keys["network.depth"]["kind"], keys["network.depth"]["low"]) == ("int", 0)
    assert "relu" in keys["network.activation"]["choices"]
    assert {"name", "asks"} == set(found["topics"]["sweeps"]["rows"][0])
    assert set(document(capsys, "list", "schedules", "groups")["topics"]) == {"schedules", "groups"}


def test_what_the_store_holds_is_one_document_also_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "sweeps") == {
        "document": "workbench.sweeps",
        "version": output.DOCUMENT_VERSION,
        "sweeps": [],
    }


def test_the_plan_of_a_sweep_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, *SMALL, "network.depth=0,1", "seed=range(3)", "name=small", "dry_run=true")
    assert found["document"] == "workbench.plan"
    assert (found["sweep"], found["cells"], found["to_train"], found["held"]) == ("small", 6, 6, 0)
    assert found["varies"] == {"network.depth": ["0", "1"], "seed": ["0", "1", "2"]}
    assert sum(pack["runs"] for pack in found["packs"]) == 6
    assert all(pack["memory_bytes"] > 0 for pack in found["packs"])
    assert found["page"] == "reports/small.html"


@pytest.mark.usefixtures("no_figures")
def test_the_end_of_a_sweep_is_one_document_and_quiet_says_nothing_else(
    workspace: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    assert cli.main([*SMALL, "seed=range(2)", "name=small", "--json", "--quiet"]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert found.pop("seconds") > 0
    assert found == {
        "document": "workbench.sweep", "version": output.DOCUMENT_VERSION, "sweep": "small", "outcome": "finished",
        "exit_status": 0, "cells": 2, "runs": 2, "finished": 2, "diverged": 0, "reused": 0, "failed": [],
        "unrecorded_packs": 0, "lost_runs": 0, "pages": ["reports/small.html"],
    }  # fmt: skip
    assert err == ""
    assert "2 to train" in (workspace / "sweeps" / "small" / "log.txt").read_text(encoding="utf-8")
    stored = document(capfd, "sweeps")["sweeps"]
    assert [(sweep["name"], sweep["runs"], sweep["times_asked"]) for sweep in stored] == [("small", 2, 1)]
    assert stored[0]["artifact_bytes"] > 0


@pytest.mark.usefixtures("no_figures")
def test_what_failed_is_said_even_where_quiet_is_wanted(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    asked = [*SMALL, "network.depth=1,100000", "network.width=2000", "name=large", "--quiet"]
    monkeypatch.setattr("workbench.sweep.planning.remaining.free_memory", lambda: 2**30)
    found = document(capsys, *asked, status=1)
    ((failed,), outcome) = found["failed"], found["outcome"]
    assert (outcome, found["exit_status"]) == ("failed", 1)
    assert {"network.depth=100000", "network.width=2000"} <= set(failed["overrides"])
    assert "memory" in failed["reason"]
    _, err = said(capsys, *asked, status=1)
    assert "does not fit in memory" in err
    assert "to train" not in err


def test_bad_input_leaves_standard_output_empty_whatever_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert "network.depth" in complaint(capsys, "network.depth=x", "--json")
    assert not output.is_json()


def test_options_may_stand_before_the_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(said(capsys, "--json", "list", "schedules")[0])["document"] == "workbench.list"


def test_an_interruption_is_status_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_run", interrupt)
    assert said(capsys, "seed=1", status=130)[1].count("\n") == 1
