"""Damaged command lines: each ends with status 0 or 2, one line of complaint, no traceback, and writes nothing.

A sample in the suite; `WORKBENCH_FUZZ=1000 python -m pytest tests/sweep/test_fuzz.py` draws so many.
"""

from __future__ import annotations

import os
import random
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.repetitions import repetitions
from workbench import places
from workbench.sweep.hydra import typed
from workbench.sweep.hydra.command import main

COUNT = int(os.environ.get("WORKBENCH_FUZZ") or repetitions(15, 100))
SMALL = ["data=blobs", "training.epochs=1", "device=cpu"]
VALID = [
    ["network.depth=1,2", "optimizer=sgd,adam", "seed=range(3)"],
    ["+sweep=own", "arm=one", "seed=1"],
    ["+sweep=own", "optimizer.learning_rate=0.1,0.2"],
    ["penalty=l2", "penalty.strength=1e-3,1e-2", "dropout.rate=0.5"],
    ["name=mine", "description='what, (it) asks'", "network.activation=relu,maxout"],
    ["measure=matrix_form", "network={depth: 1, width: 8}"],
    ["analyses=calibration+pruning", "training.patience=2", "-m"],
    ["tracking.uri=sqlite:///own.db", "data.train_size=null", "optimizer.momentum_start=0.5"],
    ["--cfg", "job", "optimizer=adamw"],
    ["++hydra.sweeper.params.seed=1", "reuse=false", "network.width=${training.batch_size}"],
    ["seed=shuffle(range(4))", "network.init=choice(he,glorot)", "data.noise=float(0)"],
]
if find_spec("optuna"):
    VALID.append(["hydra/sweeper=optuna", "optimizer.learning_rate=tag(log,interval(1e-3,1))", "dropout.rate=0,0.5"])
CHARACTERS = "=,()[]{}'\"\\$~+:@/*#|&;<>!?%^-._ \t\n\r\x1b\x07\u200b\u2028ü淺🙂\ufeff0123456789eEaxXnN"
VALUES = [
    "", "null", "true", "???", "nan", "inf", "-inf", "1e400", "-1", "0", "010", "1_0", "1:30", "9" * 40, "x" * 5000,
    "range(0,1,0)", "range(0,inf)", "range(3,0)", "range(0,1e9)", "range()", "glob(*)", "glob([", "interval(0,1)",
    "tag(log,interval(1,2))", "choice()", "sort(3,1)", "shuffle(", "int(x)", "str(1)", "extend_list(1)", "f(g(h(1)))",
    "${oc.env:NOTHING}", "${seed}", "${", "${oc.decode:", "${.}", "${hydra:job.name}", "{a: 1}", "{", "[1,2]", "[[[[",
    "[" * 300, "\\", "'", '"', "a=b", "~/x", "../x", "/", ".", "adam.yaml", "tour.yaml", "./tour", "größe", "1,2,",
    ",", "a,,b", "%s%n", "$(touch pwned)", "`touch pwned`", "-h", "1e-320", "0x10", "1.5", "yes", "''",
]  # fmt: skip
KEYS = [
    "hydra.sweeper._target_", "hydra/job_logging", "hydra/hydra_logging", "hydra/launcher", "hydra/sweeper",
    "hydra.run.dir", "hydra.sweep.dir", "hydra.output_subdir", "hydra.callbacks.x", "hydra.mode", "hydra.job.chdir",
    "hydra.searchpath", "hydra", "hydra.sweeper", "hydra.sweeper.params", "hydra.sweeper.arms",
    "+hydra.sweeper.parms", "hydra.verbose", "hydra.launcher._target_", "optimizer.name", "optimizer.lr", "lr",
    "network", "network.depth.x", "+sweep", "++sweep", "sweep", "~sweep", "~seed", "~optimizer", "arm",
    "optimizer@data", "+optimizer@x", "", "=", "_target_", "defaults", "package", "data.path", "name", "tracking",
    "penalty", "seed", "data", "training.batch_size", "kernel", "executor",
]  # fmt: skip
FLAGS = ["-m", "--multirun", "--run", "--nothing", "-", "--", "-x", "--config-name=x", "--config-dir=nowhere",
         "--package=x", "--resolve", "--info", "--cfg", "--cfg=all", "--hydra-help", "--version", "--config-path=.",
         "-cd"]  # fmt: skip


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(typed, "MOST_CELLS", 40)
    (tmp_path / "conf" / "sweep").mkdir(parents=True)
    (tmp_path / "conf" / "sweep" / "own.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params:\n      seed: 1,2\n    arms:\n      one: []\n"
        '      "two, (2)": [network.depth=1]\n'
    )
    return tmp_path


def damaged(draw: random.Random) -> list[str]:
    """A command that could be typed, with one to three faults."""
    words = [*draw.choice(VALID)]
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(words))
        words[place] = draw.choice(FAULTS)(draw, words[place], words)
        if draw.random() < 0.2:
            words.insert(place, draw.choice(words))
    return words


def inserted(draw: random.Random, word: str, _words: list[str]) -> str:
    at = draw.randint(0, len(word))
    return word[:at] + draw.choice(CHARACTERS) * draw.choice([1, 1, 1, 2, 50, 3000]) + word[at:]


def removed(draw: random.Random, word: str, _words: list[str]) -> str:
    at = draw.randint(0, len(word))
    return word[:at] + word[at + 1 :]


def doubled(draw: random.Random, word: str, _words: list[str]) -> str:
    at = draw.randint(0, len(word))
    return word[:at] + word[at // 2 : at] + word[at:]


def revalued(draw: random.Random, word: str, _words: list[str]) -> str:
    return f"{word.partition('=')[0]}={draw.choice(VALUES)}"


def swapped(draw: random.Random, word: str, words: list[str]) -> str:
    return f"{word.partition('=')[0]}={draw.choice(words).partition('=')[2]}"


def replaced(draw: random.Random, _word: str, _words: list[str]) -> str:
    return f"{draw.choice(KEYS)}={draw.choice(VALUES)}"


def prefixed(draw: random.Random, word: str, _words: list[str]) -> str:
    return draw.choice(["+", "++", "~"]) + word


def respelt(draw: random.Random, word: str, _words: list[str]) -> str:
    return word.replace("=", draw.choice([" = ", "==", ":", ""]))


def flagged(draw: random.Random, _word: str, _words: list[str]) -> str:
    return draw.choice(FLAGS)


FAULTS = [
    inserted,
    inserted,
    removed,
    doubled,
    revalued,
    revalued,
    swapped,
    replaced,
    replaced,
    prefixed,
    respelt,
    flagged,
]


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("number", range(COUNT))
def test_a_damaged_command_is_planned_or_refused_in_one_line(
    number: int, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(workplace)
    command = [*SMALL, *damaged(random.Random(number)), "dry_run=true"]
    status = main(command)
    out, err = capsys.readouterr()
    assert status in (0, 2), (command, err)
    assert "Traceback" not in err
    if status == 2:
        assert out == "", command
        assert err.endswith("\n"), command
        assert err.removesuffix("\n").isprintable(), command
        assert 0 < len(err) < 3000, command
    assert files(workplace) == before, command


def test_the_valid_commands_are_valid(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in VALID:
        assert main([*SMALL, *command, "dry_run=true"]) == 0, (command, capsys.readouterr().err)
    assert places.find("conf/sweep", "own.yaml")
    assert not (workplace / "mlflow.db").exists()
