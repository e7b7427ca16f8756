"""The page of a sweep that trains nothing is summarised by what it measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import sweep
from workbench.measure import MEASUREMENTS
from workbench.report.figures.measured import NothingHeld, melted, table
from workbench.report.page.sweep import write
from workbench.report.statistics.design import read


def test_a_table_stands_beside_columns_and_the_seed_of_its_runs() -> None:
    made = sweep({"network.width": (1, 2)}, seeds=2, epochs=1, trouble=False)
    cells = made.runs["cell"].to_numpy()
    rows = pd.DataFrame({"cell": np.repeat(cells, 2), "fingerprint": "f", "k": np.tile([1, 2], len(cells))})
    held = replace(made, tables={"marks": rows})
    found = table("marks", "network.width", where=lambda runs: runs["network.width"] == 2)(held)
    assert list(found.columns) == ["network.width", "seed", "k"]
    assert found["k"].tolist() == [1, 2, 1, 2]
    assert set(found["network.width"]) == {2}
    with pytest.raises(NothingHeld, match="no such table"):
        table("no such table")(held)


def test_columns_become_lines_under_their_words() -> None:
    rows = pd.DataFrame({"x": [1, 2], "a": [3.0, 4.0], "b": [5.0, 6.0]})
    found = melted(rows, {"a": "first", "b": "second"}, "line", "a")
    assert found.to_dict("list") == {
        "x": [1, 2, 1, 2], "line": ["first", "first", "second", "second"], "a": [3.0, 4.0, 5.0, 6.0]
    }  # fmt: skip


def test_a_sweep_of_measurements_is_summarised_by_the_metrics_of_its_measurement(tmp_path: Path) -> None:
    tables = sweep({"network.width": (1, 2, 4)}, seeds=3, epochs=1, trouble=False)
    runs = tables.runs.drop(columns=[name for name in tables.runs if str(name).startswith(("last_", "best_"))])
    runs = runs.assign(measure="matrix_timing", matrix_log10_seconds=np.arange(len(runs)), loop_log10_seconds=1.0)
    measured = replace(tables, runs=runs, epochs=tables.epochs.iloc[:0], layers=tables.layers.iloc[:0])
    assert read(measured).headlines == ("loop_log10_seconds", "matrix_log10_seconds")
    assert set(read(measured).headlines) < set(MEASUREMENTS["matrix_timing"].returns)
    text = write(measured, [], tmp_path).html.read_text()
    assert "Matrix seconds" in text
    assert "Nothing finished" not in text
