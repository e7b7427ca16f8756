"""Sweeps of `workbench reproduce` at the same time: which of them, what each says, and what interrupts them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import stores
from tests.blank import leave_out
from tests.once import made_once
from tests.question import CLAIM, SWEEP
from tests.waiting import CEILING, wait_until
from workbench import output, places
from workbench.engine import backend
from workbench.report import pages_beside
from workbench.signals import EXIT_INTERRUPTED
from workbench.sweep.execution import cores
from workbench.tracking.read import load
from workbench.words import in_turn, lane_plan, lanes, reproduce

STEMS = ("broken", "clock", "first", "second", "killed")  # clock takes times
TIMING = """# @package _global_
defaults: [override /data: blobs]
hydra: {sweeper: {params: {measure: ticks, seed: "0,1"}}}
"""
# What takes times notes how many cores it has, and which sweeps have a page by then.
TICKS = """
from pathlib import Path
from workbench.measures import Measured, Measurement

def ticks(config):
    pages = sorted(file.stem for file in Path("reports").glob("*.html") if file.stem != "index")
    Path("pages.txt").write_text(" ".join(pages))
    return Measured({"ticks": float(config.seed)})

MEASUREMENTS = {"ticks": Measurement("ticks of a clock", ("seed",), ("ticks",), ticks, timing=True)}
"""
# A measurement that says that it has begun, and waits until its lane is asked to stop, or for a file.
WAITING = """
from pathlib import Path
from time import sleep
from workbench.measures import Measured, Measurement
from workbench.sweep.execution import interruption

def waiting(config):
    Path(f"begun-{config.data.examples}").touch()
    while not Path("go on").exists() and not interruption._current.asked:
        sleep(0.02)
    return Measured({"waited": float(config.seed)})

MEASUREMENTS = {"waiting": Measurement("waits", ("seed", "data.examples"), ("waited",), waiting)}
"""
# A measurement in the middle of which its process is killed, as for memory.
KILLING = """
import os, signal
from workbench.measures import Measurement

def killing(config):
    os.kill(os.getpid(), signal.SIGKILL)

MEASUREMENTS = {"killing": Measurement("is killed", ("seed",), ("killed",), killing)}
"""
IN_LANES = """
import sys
from workbench import entry
from workbench.sweep.execution import cores
cores.cores = lambda: 2
from workbench.words import lanes
lanes.cores = cores.cores
entry.run("workbench.cli")
"""


def question(folder: Path, name: str, sweep: str, claim: str) -> None:
    for part, end, text in (("conf/sweep", "yaml", sweep), ("experiments", "py", claim.replace("Q1", name))):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / f"{name}.{end}").write_text(text)


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The real command on two cores, whatever this machine has."""
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    return subprocess.Popen(
        [sys.executable, "-c", IN_LANES, "reproduce", *arguments], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ran(folder: Path, *arguments: str) -> tuple[int, str, str]:
    with started(folder, *arguments) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def measured_questions(folder: Path, measures: dict[str, str], **sweeps: str) -> None:
    """Questions without a claim, each the sweep that takes measurements, and the files of these."""
    for name, sweep in sweeps.items():
        question(folder, name, sweep, "from workbench.claims import Claim\nCLAIMS: list[Claim] = []\n")
    (folder / "measures").mkdir()
    for name, text in measures.items():
        (folder / "measures" / f"{name}.py").write_text(text)


def five_questions(folder: Path, empty_database: Path) -> None:
    shutil.copyfile(empty_database, folder / "mlflow.db")
    for name, epochs in (("broken", -1), ("first", 1), ("second", 2)):
        question(folder, name, SWEEP.replace("epochs: 1", f"epochs: {epochs}"), CLAIM)
    sweeps = {"clock": TIMING, "killed": TIMING.replace("measure: ticks", "measure: killing")}
    measured_questions(folder, {"ticks": TICKS, "killing": KILLING}, **sweeps)


@contextmanager
def in_this_process(folder: Path) -> Iterator[None]:
    """Sweeps of this folder run one after the other in this process, without figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(pages_beside, "cores", lambda: 1)
        leave_out(patch.setattr)
        yield
        stores.close_databases_below(folder)


@pytest.fixture(scope="module")
def in_lanes(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder in which five sweeps ran in two lanes, with what was printed."""

    def make(folder: Path) -> None:
        five_questions(folder, empty_database)
        status, out, err = ran(folder, *STEMS, "--json", "--set", "device=cpu")
        (folder / "said.json").write_text(json.dumps({"status": status, "out": out, "err": err}))

    return made_once(tmp_path_factory, "in-lanes", make)


@pytest.fixture(scope="module")
def one_after_the_other(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A folder in which those sweeps that can be trained ran one after the other, in this process."""

    def make(folder: Path) -> None:
        five_questions(folder, empty_database)
        with in_this_process(folder):
            in_turn.run({name: [f"+sweep={name}", "device=cpu"] for name in ("first", "second")})
            reproduce.conclude(Path("reports"))

    return made_once(tmp_path_factory, "one-after-the-other", make)


def said(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "said.json").read_text())
    return found


def verdicts(folder: Path) -> list[Any]:
    index = json.loads((folder / "reports" / "index.json").read_text())
    return [[claim["id"], claim["verdict"], claim["effect"], claim["interval"]]
            for section in index["sections"] for claim in section["claims"]]  # fmt: skip


def numbers(folder: Path, name: str) -> pd.DataFrame:
    """What the runs of a sweep came to, without identities, times and the machine's state."""
    runs = load(name, f"sqlite:///{folder / 'mlflow.db'}").runs
    columns = [
        column for column in runs if re.fullmatch(r"(last|best|final|test)_.*|.*digest.*|seed|network\..*", column)
    ]
    assert {"last_train_accuracy", "seed", "network.depth"} <= set(columns)
    return runs[columns].sort_values(["network.depth", "seed"]).reset_index(drop=True)


def test_one_document_holds_all_sweeps_in_the_order_of_the_list(in_lanes: Path) -> None:
    found = json.loads(said(in_lanes)["out"])
    assert [sweep["stem"] for sweep in found["sweeps"]] == list(STEMS)
    assert [sweep["exit_status"] for sweep in found["sweeps"]] == [2, 0, 0, 0, 1]
    assert [(sweep["result"] or {}).get("runs") for sweep in found["sweeps"]] == [None, 2, 24, 24, None]
    assert found["exit_status"] == said(in_lanes)["status"] == 2


def test_a_failed_sweep_does_not_stop_the_others(in_lanes: Path) -> None:
    assert {file.stem for file in (in_lanes / "reports").glob("*.html")} == {"clock", "first", "second", "index"}


def test_a_lane_that_is_killed_costs_its_sweep_alone(in_lanes: Path) -> None:
    told = "killed: its process was killed (signal SIGKILL); the same command goes on"
    assert told in said(in_lanes)["err"].splitlines()


def test_what_takes_times_runs_when_all_others_have_ended(in_lanes: Path) -> None:
    assert (in_lanes / "pages.txt").read_text().split() == ["first", "second"]
    lines = said(in_lanes)["err"].splitlines()
    begins = lines.index("[2 of 5] clock")
    assert all(any(line.startswith(f"[{place} of 5]") and " took " in line for line in lines[:begins])
               for place in (1, 3, 4, 5))  # fmt: skip


def test_the_lines_of_a_sweep_stand_together(in_lanes: Path) -> None:
    """Between a sweep's first and last line there is none of another sweep."""
    lines = said(in_lanes)["err"].splitlines()
    for name in ("first", "second"):
        mine = [place for place, line in enumerate(lines) if line.startswith(f"{name}: ")]
        between = lines[mine[0] : mine[-1]]
        assert len(mine) > 1
        assert not [line for line in between if re.match(r"\[|broken|clock: |first: |killed: |second: ", line)
                    and not line.startswith(f"{name}: ")]  # fmt: skip
    assert lines[-1].startswith("5 sweeps took")
    assert "\0" not in said(in_lanes)["err"]


def test_verdicts_and_numbers_are_those_of_one_after_the_other(in_lanes: Path, one_after_the_other: Path) -> None:
    assert len(verdicts(in_lanes)) == 2
    assert verdicts(in_lanes) == verdicts(one_after_the_other)
    for name in ("first", "second"):
        pd.testing.assert_frame_equal(numbers(in_lanes, name), numbers(one_after_the_other, name), check_exact=True)


def test_the_index_has_every_page(in_lanes: Path) -> None:
    index = (in_lanes / "reports" / "index.html").read_text()
    assert [name for name in ("first.html", "second.html", "clock.html") if name not in index] == []


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)])
def test_an_interrupt_stops_every_lane_in_order_and_the_same_command_goes_on(
    tmp_path: Path, empty_database: Path, number: int
) -> None:
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    waits = [
        TIMING.replace("measure: ticks", f"measure: waiting, data.examples: {examples}") for examples in range(120, 123)
    ]
    measured_questions(tmp_path, {"waiting": WAITING}, **dict(zip(("one", "other", "third"), waits, strict=True)))
    with started(tmp_path, "one", "other", "third", "--json", "--set", "device=cpu") as process:
        wait_until(lambda: process.poll() is not None or len(list(tmp_path.glob("begun-*"))) == 2)
        process.send_signal(number)
        out, err = process.communicate(timeout=CEILING)
    assert "stopping after this epoch" in err
    assert process.returncode == EXIT_INTERRUPTED, err
    found = json.loads(out)
    assert [(sweep["stem"], sweep["exit_status"]) for sweep in found["sweeps"]] == [("one", 130), ("other", 130)]
    assert [sweep["result"]["outcome"] for sweep in found["sweeps"]] == ["interrupted"] * 2
    assert not list(tmp_path.rglob(".*.new"))
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'").fetchone() == (0,)
    (tmp_path / "go on").touch()
    stems = ("one", "other", "third")
    with in_this_process(tmp_path), output.chosen(json=True):
        ended = in_turn.run({stem: [f"+sweep={stem}", "device=cpu"] for stem in stems}, ["--json"])
    assert [(one.status, one.document and one.document["reused"]) for one in ended] == [(0, 1), (0, 1), (0, 0)]


@pytest.mark.thorough
def test_settling_looks_in_every_lane_for_itself(tmp_path: Path) -> None:
    looks = "tuple(range(24)), looks=(12, 24)"
    for name, margin in (("open", "0.0,"), ("decided", "0.9,")):
        claim = CLAIM.replace("tuple(range(12))", looks).replace("0.0,", margin)
        question(tmp_path, name, SWEEP.replace("range(12)", "range(24)"), claim)
    status, out, err = ran(tmp_path, "open", "decided", "--settle", "--json", "--set", "device=cpu")
    assert status == 0, err
    sweeps = [(sweep["stem"], sweep["result"]["runs"]) for sweep in json.loads(out)["sweeps"]]
    assert sweeps == [("open", 24), ("open", 48), ("decided", 24)]


@pytest.mark.parametrize(
    ("machine", "overrides", "count"),
    [
        (1, [], 1), (2, [], 2), (3, [], 3), (16, [], 4),
        (2, ["workers=1"], 2), (2, ["workers=2"], 1), (8, ["workers=3"], 2), (2, ["workers=4", "workers=1"], 2),
        (2, ["dry_run=true"], 1), (4, ["executor=processes"], 1), (4, ["executor=inline"], 4),
    ],
)  # fmt: skip
def test_lanes_are_as_many_as_the_cores_have_room_for(
    machine: int, overrides: list[str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "cores", lambda: machine)
    monkeypatch.setattr(backend, "cuda_is_usable", lambda: False)
    assert lane_plan.lanes_for(reproduce.planned([], "digits"), overrides)[0] == count


def test_one_sweep_has_all_cores_and_a_gpu_trains_one_sweep_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "cores", lambda: 8)
    monkeypatch.setattr(backend, "cuda_is_usable", lambda: True)
    commands = reproduce.planned(["dropout", "sparsity", "maxout"], "digits")
    assert lane_plan.lanes_for({"dropout": commands["dropout"]}, ["device=cpu"]) == (1, [])
    assert lane_plan.lanes_for(commands, []) == (1, [])
    assert lane_plan.lanes_for(commands, ["device=cpu"]) == (3, [])


def test_ours_that_take_times_run_alone() -> None:
    timed = [stem for stem in reproduce.planned([], "digits") if lane_plan.takes_times(stem)]
    assert timed == ["activation_cost", "backpropagation_cost", "matrix_speed"]


@pytest.mark.usefixtures("no_figures")
def test_without_room_for_a_process_sweeps_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none() -> None:
        raise OSError("no room")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lanes._Lane, "start", none)
    for name in ("first", "second"):
        question(tmp_path, name, SWEEP, CLAIM)
    commands = {name: [f"+sweep={name}", "device=cpu", "workers=1"] for name in ("first", "second")}
    ended = lanes.run_in_lanes(commands, [], 2, [], settled=False)
    assert [(one.stem, one.status) for one in ended] == [("first", 0), ("second", 0)]
    assert "2 sweeps took" in capsys.readouterr().err
