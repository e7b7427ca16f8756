"""A sweep says beforehand what of its data rounding hides, and refuses what cannot be read at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.report import load
from workbench.sweep.hydra.command import main

pytestmark = pytest.mark.usefixtures("no_figures")
ONE = ["data=npz", "training.epochs=1", "network.width=4", "network.depth=1", "device=cpu", "workers=1", "kernel=plain"]


def own(folder: Path, inputs: np.ndarray) -> str:
    np.savez(folder / "own.npz", inputs=inputs, targets=np.arange(len(inputs)) % 2)
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
