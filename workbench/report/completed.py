"""A sweep's tables as the code of an experiment sees them: with every column that a whole sweep may have.

A command may ask for any part of a sweep file, so that a setting no run reads, a metric nothing gave, or the arm, where
there is one alone, has no column in the store. Here such a column is there and empty.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.config import SETTINGS
from workbench.measure import ANALYSES, MEASUREMENTS
from workbench.report import wording

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


def completed(tables: SweepTables) -> SweepTables:
    """The tables with a column of NaN in `runs` for every known setting, choice and metric that no run has."""
    columns = dict.fromkeys([*map(str, tables.runs.columns), *_known()])
    return replace(tables, runs=tables.runs.reindex(columns=list(columns)))


def _known() -> tuple[str, ...]:
    choices = [key.partition(".")[0] for key in SETTINGS if "." in key]  # "optimizer", "penalty": a choice is a column
    measured = [name for row in MEASUREMENTS.values() for name in row.returns]
    measured += [name for row in ANALYSES.values() for name in row.returns]
    return tuple(dict.fromkeys([*SETTINGS, *choices, *wording.METRICS, *measured]))
