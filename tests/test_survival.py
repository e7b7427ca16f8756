"""A sweep killed anywhere and started again ends with the very numbers it would have had."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from workbench import app, places
from workbench.tracking.read import load

SWEEP = [
    "data=blobs", "data.examples=400", "network.width=16", "network.depth=1,2", "optimizer=sgd,adam", "seed=range(4)",
    "dropout.rate=0.2", "training.epochs=150", "training.batch_size=8", "kernel=plain", "device=cpu", "name=mine",
    "checkpoint_seconds=0", "workers=1",
]  # fmt: skip
KILLS = 3


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(places.ours("conf").parent)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", "workbench", *SWEEP]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def results(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the store says of the sweep, but for times and ids."""
    tables = load("mine", f"sqlite:///{folder}/mlflow.db")
    own = ["run_id", "origin", "reused", "seconds", "started", "ended", "pack"]
    return tables.runs.drop(columns=own), tables.epochs.sort_values(["fingerprint", "epoch"], ignore_index=True)


def assert_same_results(found: Path, expected: Path) -> None:
    for one, other in zip(results(found), results(expected), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = start(folder)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == app.FINISHED, errors
    assert output == "report: reports/mine.html\n"
    return folder


def test_killed_at_random_moments_a_sweep_ends_with_the_same_numbers(uninterrupted: Path, tmp_path: Path) -> None:
    moments = random.Random(1)
    for _ in range(KILLS):
        process = start(tmp_path)
        try:
            process.wait(timeout=moments.uniform(4.0, 9.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    last = start(tmp_path)
    _, errors = last.communicate(timeout=300)
    assert last.returncode == app.FINISHED, errors
    assert_same_results(tmp_path, uninterrupted)
    assert not (tmp_path / "sweeps/mine").exists()


def test_ctrl_c_finishes_the_epoch_writes_the_report_and_the_same_command_goes_on(
    uninterrupted: Path, tmp_path: Path
) -> None:
    process = start(tmp_path)
    assert process.stderr is not None
    assert "16 to train" in process.stderr.readline()
    process.stderr.readline()  # the first pack is done
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == app.INTERRUPTED, errors
    assert "stopping after this epoch" in errors
    assert output == "report: reports/mine.html\n"
    assert list((tmp_path / "sweeps/mine").glob("*.npz"))
    again = start(tmp_path)
    _, errors = again.communicate(timeout=300)
    assert again.returncode == app.FINISHED, errors
    assert_same_results(tmp_path, uninterrupted)
