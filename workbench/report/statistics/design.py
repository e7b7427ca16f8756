"""The design of a sweep and its outcomes: factors with their levels, the outcome of every cell, lost runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.measure import MEASUREMENTS
from workbench.report import wording
from workbench.report.language.words import say

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

SEED = "seed"
STATUSES = ("finished", "reused", "diverged", "failed", "pending")
HEADLINES = {  # most telling first; the first is the page's main metric
    "classification": ("best_test_accuracy", "last_train_accuracy", "last_train_loss"),
    "regression": ("best_test_loss", "last_train_loss", "best_validation_loss"),
}
_METRIC_ENDINGS = ("_loss", "_accuracy")
SHOWN_CURVES = {
    "classification": ("train_loss", "train_accuracy", "test_accuracy"),
    "regression": ("train_loss", "validation_loss", "test_loss"),
}


@dataclass(frozen=True)
class Factor:
    """One swept key: its words, and its values in order with their labels."""

    key: str
    name: str
    values: tuple[object, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """A sweep, ready to be summarised.

    `runs` is the sweep's table of runs plus one column "level:<key>" for each factor: the position of the run's value
    among the factor's values. `factors` leaves the seed out; `seeds` are its values (one if it was not swept).
    """

    runs: pd.DataFrame
    factors: tuple[Factor, ...]
    seeds: tuple[int, ...]
    task: str
    headlines: tuple[str, ...]

    @property
    def main(self) -> str:
        """The key of the page's main metric."""
        return self.headlines[0]

    def factor(self, key: str) -> Factor:
        """The factor of that key."""
        return next(factor for factor in self.factors if factor.key == key)


def _is_missing(item: object) -> bool:
    return item is None or (isinstance(item, float) and math.isnan(item))


def _ordered(column: pd.Series) -> list[object]:
    """The distinct values: numbers by size, anything else as they first appear; a missing value comes first."""
    distinct = [item.item() if hasattr(item, "item") else item for item in column.unique()]
    held = [item for item in distinct if not _is_missing(item)]
    if all(isinstance(item, (int, float)) for item in held):
        held.sort()
    return [None] * (len(held) < len(distinct)) + held


def _factor(key: str, name: str, column: pd.Series) -> Factor:
    values = _ordered(column)
    return Factor(key, name, tuple(values), wording.labels(values))


def _levels(factor: Factor, column: pd.Series) -> list[int]:
    position = {item: place for place, item in enumerate(factor.values)}
    return [position[None if _is_missing(item) else item] for item in column.tolist()]


def read(tables: SweepTables) -> Design:
    """The design of a sweep. Cells come in order of their number, whatever order the tables have."""
    runs = tables.runs.sort_values("cell", kind="stable").reset_index(drop=True)
    keys = [key for key in tables.factors if key != SEED and key in runs and runs[key].nunique(dropna=False) > 1]
    names = wording.factors(keys)
    factors = tuple(_factor(key, names[key], runs[key]) for key in keys)
    levels = pd.DataFrame({f"level:{one.key}": _levels(one, runs[one.key]) for one in factors}, index=runs.index)
    seeds = runs[SEED] if SEED in runs else pd.Series(0, index=runs.index)
    runs = pd.concat([runs.drop(columns=SEED, errors="ignore"), levels, seeds.astype(int).rename(SEED)], axis=1)
    task = _task(runs)
    headlines = tuple(key for key in HEADLINES[task] if key in runs) or _measured(runs) or HEADLINES[task][:1]
    runs = runs.reindex(columns=list(dict.fromkeys((*runs, *headlines))))  # nothing measured yet: a column of NaN
    return Design(runs, factors, tuple(sorted(seeds.astype(int).unique().tolist())), task, headlines)


def _measured(runs: pd.DataFrame) -> tuple[str, ...]:
    """The metrics that summarise a sweep without training: the first of the measurement that most cells take."""
    taken = [str(name) for name in runs["measure"].value_counts().index] if "measure" in runs else []
    returned = MEASUREMENTS[taken[0]].returns if taken and taken[0] in MEASUREMENTS else ()
    return tuple(name for name in returned if name in runs)[:3]


def _task(runs: pd.DataFrame) -> str:
    """Classification unless losses were measured and accuracies were not."""
    measured = {
        kind: any(runs[name].notna().any() for name in runs if str(name).endswith(kind)) for kind in _METRIC_ENDINGS
    }
    return "regression" if measured["_loss"] and not measured["_accuracy"] else "classification"


def status(runs: pd.DataFrame) -> pd.Series:
    """One of STATUSES for each run. A reused cell is "reused", whatever its outcome was where it was trained."""
    reused = runs["reused"].astype(bool) & runs["outcome"].isin(["finished", "diverged"])
    return runs["outcome"].where(~reused, "reused")


def counts(runs: pd.DataFrame) -> dict[str, int]:
    """The number of cells for each outcome; the counts add up to the number of cells."""
    found = status(runs).value_counts()
    return {outcome: int(found.get(outcome, 0)) for outcome in STATUSES}


def lost(runs: pd.DataFrame) -> int:
    """How many runs diverged or failed, and so have no valid result."""
    return int(runs["outcome"].isin(["diverged", "failed"]).sum())


def losses(runs: pd.DataFrame, outcome: str, most: int = 8) -> list[tuple[str, list[int]]]:
    """The reasons of the failed or diverged cells, the commonest first: (reason, cells)."""
    chosen = runs[runs["outcome"] == outcome]
    groups: dict[str, list[int]] = {}
    for reason, cell in zip(chosen["reason"].fillna("").astype(str), chosen["cell"], strict=True):
        groups.setdefault(reason or say("page.no_reason"), []).append(int(cell))
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:most]


def extreme(design: Design, worst: bool) -> pd.Series | None:
    """The best or the worst finished run by the main metric, of which more counts as better unless the metric says
    otherwise; None if nothing finished.
    """
    if design.main not in design.runs:
        return None
    column = design.runs[design.main].where(design.runs["outcome"] == "finished")
    if not column.notna().any():
        return None
    lowest = ((wording.metric(design.main).better or 1) > 0) == worst
    return design.runs.iloc[int(np.nanargmin(column) if lowest else np.nanargmax(column))]


def alike(design: Design, value: float) -> int:
    """How many finished runs have this value of the main metric."""
    return int((design.runs[design.main].eq(value) & design.runs["outcome"].eq("finished")).sum())
