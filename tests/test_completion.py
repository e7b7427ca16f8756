"""Completion: what a line may go on with, and the scripts in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import cli, places
from workbench.config import SETTINGS
from workbench.words.completion import candidates

ROOT = places.ours("conf").parent
OF_BASH = " \t\n\"'><=;|&(:"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a sweep, a choice and a page of a person's own."""
    monkeypatch.chdir(tmp_path)
    for path in ("conf/sweep/owned.yaml", "conf/optimizer/owned.yaml", "reports/owned.html", "reports/index.html"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    return tmp_path


LINES = {
    "workbench l": ["list", "live="],
    "workbench rep": ["report", "reproduce"],
    "workbench seed=1 l": ["live="],  # a word is the first
    "workbench network.de": ["network.depth="],
    "workbench seed=1 network.de": ["network.depth="],
    "workbench optimizer=ad": ["optimizer=adagrad", "optimizer=adam", "optimizer=adamw"],
    "workbench optimizer=adam,ada": ["optimizer=adam,adagrad", "optimizer=adam,adamw"],
    "workbench optimizer=o": ["optimizer=owned"],
    "workbench 'optimizer=o": ["optimizer=owned"],
    "workbench network.activation=re": ["network.activation=relu"],
    "workbench fail_fast=": ["fail_fast=false", "fail_fast=true"],
    "workbench executor=": ["executor=inline", "executor=processes", "executor=slurm"],
    "workbench network.depth=": [],
    "workbench nothing=": [],
    "workbench +": ["+sweep="],
    "workbench +sweep=own": ["+sweep=owned"],
    "workbench +sweep=tou": ["+sweep=tour"],
    "workbench hydra/sweeper=": ["hydra/sweeper=grid", "hydra/sweeper=optuna"],
    "workbench --js": ["--json"],
    "workbench --cfg ": ["all", "hydra", "job"],
    "workbench list act": ["activations"],
    "workbench list --q": ["--quiet"],
    "workbench report ": ["owned"],
    "workbench sweeps ": ["delete", "export", "import", "list"],
    "workbench sweeps delete ": ["owned"],
    "workbench reproduce dropout_": ["dropout_inference", "dropout_tumours"],
    "workbench reproduce --data mni": ["mnist"],
    "workbench reproduce dropout --set dry": ["dry_run="],
    "workbench reproduce dropout --set seed=1 dry_run=t": ["dry_run=true"],
    "workbench completion ": ["bash", "fish", "zsh"],
    "workbench": [],
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_goes_on_with(line: str) -> None:
    assert candidates(line) == LINES[line]


def test_every_key_group_and_word_is_offered() -> None:
    offered = set(candidates("workbench "))
    assert set(cli.WORDS) | {"data=", "optimizer=", "penalty=", "+sweep="} <= offered
    assert {f"{key}=" for key in SETTINGS if not key.endswith(".name")} <= offered
    assert "optimizer.name=" not in offered  # the group sets what belongs to the name


def test_where_the_shell_splits_a_word_only_the_rest_is_offered() -> None:
    assert candidates("workbench optimizer=adam,ada", OF_BASH) == ["adam,adagrad ", "adam,adamw "]
    assert candidates("workbench network.de", OF_BASH) == ["network.depth="]
    assert candidates("workbench network.de", " ") == ["network.depth="]
    assert candidates("workbench fail_fast=t", " ") == ["fail_fast=true "]


def test_a_rule_of_a_persons_own_is_offered_and_a_broken_one_costs_only_itself(own: Path) -> None:
    script = "from workbench.words.completion import candidates; print(candidates('workbench network.activation=s'))"
    (own / "rules").mkdir()
    (own / "rules" / "mine.py").write_text((ROOT / "examples/own-question/rules/sine.py").read_text())
    assert "'network.activation=sine'" in ran(own, sys.executable, "-c", script)
    (own / "rules" / "mine.py").write_text("nonsense(")
    assert "'network.activation=sigmoid'" in ran(own, sys.executable, "-c", script)


def ran(folder: Path, *words: str) -> str:
    """What a program prints in a folder in which `workbench` is a command."""
    (folder / "bin").mkdir(exist_ok=True)
    command = folder / "bin" / "workbench"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m workbench "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"HOME": str(folder), "TERM": "dumb"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(shell: str) -> str:
    """Where a shell lies; the test is skipped without."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"runs where {shell} is installed")
    return found


def test_in_bash(own: Path) -> None:
    ask = """
    source <(workbench completion bash)
    of() {  # the words as bash splits them, at = as well
        COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        $(complete -p workbench | sed 's/.*-F \\([^ ]*\\).*/\\1/') workbench "${COMP_WORDS[COMP_CWORD]}" ""
        printf '<%s>' "${COMPREPLY[@]}"; echo
    }
    of 'workbench +sweep=own' workbench +sweep = own
    of 'workbench optimizer=adam,ada' workbench optimizer = adam,ada
    of 'workbench network.de' workbench network.de
    of 'workbench rep' workbench rep
    """
    assert ran(own, needs("bash"), "--norc", "-c", ask).splitlines() == [
        "<owned >", "<adam,adagrad ><adam,adamw >", "<network.depth=>", "<report ><reproduce >",
    ]  # fmt: skip


def test_in_zsh(own: Path) -> None:
    ask = """
    compadd() { [[ $1 == -S ]] && shift 2; shift; print -r -- "<${(j:><:)@}>" }
    compdef() { print "compdef $*" }
    source <(workbench completion zsh)
    words=(workbench +sweep=own) CURRENT=2 PREFIX=+sweep=own; _workbench
    words=(workbench optimizer=ada) CURRENT=2 PREFIX=optimizer=ada; _workbench
    words=(workbench seed=1 network.de) CURRENT=3 PREFIX=network.de; _workbench
    """
    assert [line for line in ran(own, needs("zsh"), "-f", "-c", ask).splitlines() if line != "<>"] == [
        "compdef _workbench workbench", "<+sweep=owned>", "<optimizer=adagrad><optimizer=adam><optimizer=adamw>",
        "<network.depth=>",
    ]  # fmt: skip


def test_in_fish(own: Path) -> None:
    ask = """
    workbench completion fish | source
    complete -C 'workbench +sweep=own'
    complete -C 'workbench optimizer=ada'
    complete -C 'workbench seed=1 network.de'
    """
    assert ran(own, needs("fish"), "--no-config", "-c", ask).split() == [
        "+sweep=owned", "optimizer=adagrad", "optimizer=adam", "optimizer=adamw", "network.depth=",
    ]  # fmt: skip
