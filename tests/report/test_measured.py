"""The page of a sweep that trains nothing is summarised by what it measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench.measure import MEASUREMENTS
from workbench.report.design import read
from workbench.report.page import write

from .synthetic import sweep


def test_a_sweep_of_measurements_is_summarised_by_the_metrics_of_its_measurement(tmp_path: Path) -> None:
    tables = sweep({"network.width": (1, 2, 4)}, seeds=3, epochs=1, trouble=False)
    runs = tables.runs.drop(columns=[name for name in tables.runs if str(name).startswith(("last_", "best_"))])
    runs = runs.assign(measure="matrix_timing", matrix_log10_seconds=np.arange(len(runs)), loop_log10_seconds=1.0)
    measured = replace(tables, runs=runs, epochs=tables.epochs.iloc[:0], layers=tables.layers.iloc[:0])
    assert read(measured).headlines == ("loop_log10_seconds", "matrix_log10_seconds")
    assert set(read(measured).headlines) < set(MEASUREMENTS["matrix_timing"].returns)
    text = write(measured, [], tmp_path).html.read_text()
    assert "Matrix log10 seconds" in text
    assert "Nothing finished" not in text
