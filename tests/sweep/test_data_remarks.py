"""A sweep says beforehand what its data hide and lack, and refuses what cannot be read at all."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from workbench.report import load
from workbench.sweep.hydra.command import main

pytestmark = pytest.mark.usefixtures("no_figures")
ONE = ["data=npz", "training.epochs=1", "network.width=4", "network.depth=1", "device=cpu", "workers=1", "kernel=plain"]


def own(folder: Path, inputs: np.ndarray, labels: np.ndarray | None = None) -> str:
    targets = np.arange(len(inputs)) % 2 if labels is None else labels
    np.savez(folder / "own.npz", inputs=inputs, targets=targets)
    return f"data.path={folder / 'own.npz'}"


def test_an_offset_that_stays_is_said_and_none_that_is_scaled_away(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own(workspace, 1e9 + np.random.default_rng(0).standard_normal((60, 2)))
    assert main([*ONE, path, "data.scaling=none,standard", "dtype=float32,float64", "name=far"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "of the inputs, scaled" in line]
    assert [("(none)" in line, "float32" in line) for line in lines] == [(True, True)]
    assert len(load("far").runs) == 4


def test_inputs_beyond_the_dtype_are_one_line_and_nothing_is_written(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own(workspace, 1e200 * np.random.default_rng(0).standard_normal((60, 2)))
    assert main([*ONE, path, "data.scaling=none", "name=beyond"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "beyond float32" in line]
    assert line.startswith("data.scaling: found none, which leaves column 0 of the inputs beyond float32; allowed")
    assert not list(workspace.glob("**/plan.parquet"))


def test_a_class_that_is_tested_and_never_learned_is_said_once(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.where(np.arange(60) == 17, 2, np.arange(60) % 2)
    path = own(workspace, np.random.default_rng(0).standard_normal((60, 2)), labels)
    assert main([*ONE, path, "seed=range(20)", "optimizer=sgd,adam", "data.label_noise=0,0.1", "name=rare"]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "training examples hold no label" in line]
    assert re.search(r"hold no label 2 \(at \d+ of 20 seeds\): no run there can learn what it is judged by", line)
