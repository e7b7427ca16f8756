"""A sweep killed anywhere and started again ends with the very numbers it would have had.

One kill in the suite, more under WORKBENCH_THOROUGH. `WORKBENCH_THOROUGH=1 WORKBENCH_KILLS=60 python -m pytest
tests/test_survival.py -s -k random_moments` gives two hundred, sixty for each executor and eighty inside of beginning,
recording, ending and writing the page, and prints where they struck.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import GATE, Command, Commands
from tests.repetitions import THOROUGH, repetitions
from tests.waiting import wait_until
from workbench import app, places
from workbench.sweep.execution.interruption import EXIT_INTERRUPTED
from workbench.tracking.read import load

KILLS = int(os.environ.get("WORKBENCH_KILLS") or repetitions(1, 3))
EPOCHS = 40 if KILLS < 5 else 200  # a sweep of a second or so; of several, to strike it in many places
SEEDS = 2 if KILLS < 5 else 4
BATCH = 16 if THOROUGH else 32
SWEEP = [
    "data=blobs", "data.examples=300", "network.width=16", "network.depth=1,2", "optimizer=sgd,adam",
    f"seed=range({SEEDS})", "dropout.rate=0.2", f"training.epochs={EPOCHS}", f"training.batch_size={BATCH}",
    "kernel=plain", "device=cpu", "name=mine", "checkpoint_seconds=0.05", "workers=1",
]  # fmt: skip
Start = Callable[..., Command]
# What takes too little of a sweep to be struck by chance: the function that does it kills its process after a random
# number of its lines, of Python's own and MLflow's.
PARTS = {
    "recording": ("workbench.tracking.write", "MlflowStore", "_record"),
    "beginning": ("workbench.tracking.write", "MlflowStore", "_begin"),
    "ending": ("workbench.tracking.write", "MlflowStore", "_end"),
    "page": ("workbench.report.sweep_page", "", "write_report"),
}
OF_EACH_PART = max(KILLS // 3, 1)
STRUCK_INSIDE = """
import importlib, os, random, sys
module, owner, name, seed = sys.argv[1:5]
del sys.argv[1:5]
import workbench.app
place = importlib.import_module(module)
place = getattr(place, owner) if owner else place
honest, moment = getattr(place, name), random.Random(seed)
def struck(*given, **named):
    lines = [int(10 ** moment.uniform(0, 5))]
    def trace(frame, event, argument):
        if event == "line":
            lines[0] -= 1
            if lines[0] < 0:
                os.write(2, f"struck: {name} in {os.path.basename(frame.f_code.co_filename)}\\n".encode())
                os.kill(os.getpid(), 9)
        return trace
    sys.settrace(trace)
    try:
        return honest(*given, **named)
    finally:
        sys.settrace(None)
setattr(place, name, struck)
from workbench.sweep.hydra.command import main
raise SystemExit(main())
"""
STRUCK: Counter[tuple[str, str]] = Counter()  # (part of the sweep, where it was) -> kills
OWN = ["run_id", "origin", "reused", "seconds", "started", "ended", "overrides"]  # of each start


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    with Commands() as server:
        yield server


@pytest.fixture(scope="module")
def start(commands: Commands, empty_database: Path) -> Start:
    """Starts the sweep in a folder; in a thorough run the first start there makes the store, too."""

    def begin(folder: Path, *overrides: str, hold: int | None = None) -> Command:
        folder.mkdir(exist_ok=True)
        if not THOROUGH and not (folder / "mlflow.db").exists():
            shutil.copyfile(empty_database, folder / "mlflow.db")
        return commands.start(folder, [*SWEEP, *overrides], hold)

    return begin


def struck_inside(folder: Path, part: str, seed: str) -> tuple[int, str]:
    """Run the sweep in a process that kills itself inside a part, at a moment of the seed: its status, what it said."""
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    command = [sys.executable, "-c", STRUCK_INSIDE, *PARTS[part], seed, *SWEEP]
    folder.mkdir(exist_ok=True)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def results(folder: Path) -> list[pd.DataFrame]:
    """What the store says of the sweep, but for times, ids, and which packs were cut out of which."""
    tables = load("mine", f"sqlite:///{folder}/mlflow.db")
    order = ["fingerprint", "epoch"]
    layers = tables.layers.sort_values([*order, "layer", "probe"], ignore_index=True)
    return [tables.runs.drop(columns=[*OWN, "pack"]), tables.epochs.sort_values(order, ignore_index=True), layers]


def in_mlflow(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """What MLflow itself holds of every cell: status, params, tags and every point of every curve, once each."""
    queries = {
        "runs": "SELECT c.value, r.name, r.status, r.lifecycle_stage FROM runs r",
        "params": "SELECT c.value, r.key, r.value FROM params r",
        "tags": "SELECT c.value, r.key, r.value FROM tags r",
        "metrics": "SELECT c.value, r.key, r.step, r.value, r.is_nan FROM metrics r",
        "latest": "SELECT c.value, r.key, r.step, r.value, r.is_nan FROM latest_metrics r",
    }
    joined = "{} JOIN tags c ON c.run_uuid = r.run_uuid AND c.key = 'workbench.cell'"
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        found = {name: database.execute(joined.format(query)).fetchall() for name, query in queries.items()}
    changing = ("mlflow.parentRunId", "workbench.history", "workbench.overrides", "seconds")
    changing += ("mlflow.source.name",)  # the command, which says who trains
    changing += ("mlflow.source.git.commit",)  # somebody may commit meanwhile
    return {name: sorted(row for row in rows if row[1] not in changing) for name, rows in found.items()}


def assert_same_results(found: Path, expected: Path) -> None:
    for one, other in zip(results(found), results(expected), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert in_mlflow(found) == in_mlflow(expected)


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """Where kills struck, for whoever runs this with -s."""
    yield
    print(f"\n{STRUCK.total()} kills; every sweep ended with the numbers of the one that was never killed")
    for (part, place), times in sorted(STRUCK.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"  {part:10}  {times:4}  {place}")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, start: Start) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = start(folder)
    output, errors = process.communicate()
    assert process.returncode == app.EXIT_FINISHED, errors
    assert output == "report: reports/mine.html\n"
    return folder


@pytest.fixture(scope="module")
def seconds(uninterrupted: Path) -> float:
    """How long it took from its first line to its last, on this machine today."""
    lines = (uninterrupted / "sweeps/mine/log.txt").read_text().splitlines()
    first, last = (datetime.fromisoformat(line[:19]) for line in (lines[0], lines[-1]))
    return max((last - first).total_seconds(), 1.0)


def killed(process: Command, moment: float) -> bool:
    """Kill it so many seconds after its first line, or right at its start-up; whether it was still there."""
    first = "" if moment < 0 else process.stderr.readline()
    if " 0 to train" in first and moment > 0.2:  # only the page is left: mostly it comes to its end
        return False
    try:
        process.wait(timeout=abs(moment))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        _, rest = process.communicate()
        last = [first, *rest.splitlines()][-1].strip() or "(start-up)"
        STRUCK["any moment", "after: " + re.sub(r"\d[\d,.:]*", "n", last)[:90]] += 1
        return True
    return False


@pytest.mark.parametrize("executor", ["inline", pytest.param("processes", marks=pytest.mark.thorough)])
def test_killed_at_random_moments_a_sweep_ends_with_the_same_numbers(
    uninterrupted: Path, seconds: float, tmp_path: Path, executor: str, start: Start
) -> None:
    """A sweep that comes to its end between two kills is compared, and the next kill strikes another one."""
    overrides = [f"executor={executor}", "workers=2"] if executor == "processes" else []
    moments, kills = random.Random(executor), 0
    for sweep in count():
        folder, ended = tmp_path / str(sweep), False
        while not ended:
            process = start(folder, *overrides)
            if kills < KILLS and killed(process, moments.uniform(-0.1, 0.7) * seconds):
                kills += 1
                continue
            _, errors = process.communicate()
            assert process.returncode == app.EXIT_FINISHED, errors
            ended = True
        assert_same_results(folder, uninterrupted)
        assert not list((folder / "sweeps/mine").glob("*.npz"))
        if kills == KILLS:
            return


@pytest.mark.thorough
@pytest.mark.parametrize("part", PARTS)
def test_killed_at_random_moments_of_a_part_a_sweep_ends_with_the_same_numbers(
    uninterrupted: Path, tmp_path: Path, part: str, start: Start
) -> None:
    """Up to four kills a sweep, each in another start of it."""
    kills = 0
    for sweep in count():
        folder = tmp_path / str(sweep)
        for seed in range(100 * sweep, 100 * sweep + 4):
            if kills >= OF_EACH_PART:
                break
            status, errors = struck_inside(folder, part, f"{part} {seed}")
            if status != -signal.SIGKILL:
                assert status == app.EXIT_FINISHED, errors
                break
            kills += 1
            STRUCK.update((part, place) for place in re.findall(r"struck: .* in (.*)", errors))
        process = start(folder)
        _, errors = process.communicate()
        assert process.returncode == app.EXIT_FINISHED, errors
        assert_same_results(folder, uninterrupted)
        assert not list((folder / "sweeps/mine").glob("*.npz"))
        assert not list(folder.rglob(".*.new"))
        assert left_running(folder) == []
        if kills >= OF_EACH_PART:
            return


def left_running(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        running = "SELECT run_uuid FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active'"
        return [run_id for (run_id,) in database.execute(running)]


def test_ctrl_c_finishes_the_epoch_writes_the_report_and_the_same_command_goes_on(
    uninterrupted: Path, tmp_path: Path, start: Start
) -> None:
    process = start(tmp_path, hold=1)
    assert f"{4 * SEEDS} to train" in process.stderr.readline()
    process.stderr.readline()  # the first pack is done
    process.send_signal(signal.SIGINT)
    assert "stopping after this epoch" in process.stderr.readline()
    (tmp_path / GATE).touch()
    output, errors = process.communicate()
    assert process.returncode == EXIT_INTERRUPTED, errors
    assert output == "report: reports/mine.html\n"
    assert list((tmp_path / "sweeps/mine").glob("*.npz"))
    again = start(tmp_path)
    _, errors = again.communicate()
    assert again.returncode == app.EXIT_FINISHED, errors
    assert_same_results(tmp_path, uninterrupted)


def test_started_twice_at_once_one_trains_and_the_other_says_who_does(
    uninterrupted: Path, tmp_path: Path, start: Start
) -> None:
    both = [start(tmp_path, hold=0), start(tmp_path, hold=0)]
    wait_until(lambda: any(process.has_ended() for process in both))
    (tmp_path / GATE).touch()
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [app.EXIT_FINISHED, 2], said
    (refused,) = [text for text, process in zip(said, both, strict=True) if process.returncode == 2]
    other = next(process for process in both if process.returncode == app.EXIT_FINISHED)
    assert refused.startswith(f"name: the sweep mine is being trained by process {other.pid} on ")
    assert_same_results(tmp_path, uninterrupted)
