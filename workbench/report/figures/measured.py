"""Tidy frames of what measurements and analyses left in the store, for the figures of experiment files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


class NothingHeld(Exception):
    """A sweep holds nothing of what a figure shows: its caption says so."""


def rows_of(tables: SweepTables, name: str) -> pd.DataFrame:
    """The rows of that table of measurements or analyses. Raises NothingHeld if the sweep has none."""
    if name not in tables.tables or not len(tables.tables[name]):
        raise NothingHeld(f"no run has the table {name}")
    return tables.tables[name]


def table(
    name: str, *columns: str, where: Callable[[pd.DataFrame], pd.Series] | None = None
) -> Callable[[SweepTables], pd.DataFrame]:
    """A `data` function: the rows of that table with these columns and the seed of their runs.

    `where` selects runs. The function raises NothingHeld if the sweep has no such table.
    """

    def data(tables: SweepTables) -> pd.DataFrame:
        runs = tables.runs[tables.runs["outcome"] == "finished"]
        chosen = runs if where is None else runs[where(runs)]
        kept = chosen[["cell", *columns, "seed"]]
        rows = rows_of(tables, name).drop(columns="fingerprint")
        return kept.merge(rows, on="cell").drop(columns="cell")

    return data


def melted(rows: pd.DataFrame, names: dict[str, str], by: str, value: str) -> pd.DataFrame:
    """Several columns as one, `value`, with their names in words as `by`: one line each."""
    kept = rows[[name for name in rows if name not in names]]
    parts = []
    for name, words in names.items():
        line = kept.copy()
        line[by], line[value] = words, rows[name]
        parts.append(line)
    return pd.concat(parts, ignore_index=True)
