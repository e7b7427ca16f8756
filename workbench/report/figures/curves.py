"""Learning curves by factor value, and per-layer probes: histories reduced to what a figure draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.report.figures.palette import SLOTS, Slot
from workbench.report.statistics.design import SEED, Design, Factor
from workbench.report.statistics.effects import matched
from workbench.report.statistics.intervals import t_interval

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MOST_EPOCHS = 80  # drawn in a curve
MOST_COLUMNS = 32  # epochs drawn in a heat map


@dataclass(frozen=True)
class Curves:
    """A metric by epoch for every level of a factor.

    `seeds` (levels, seeds, epochs) are the means within each seed; `mean`, `low`, `high` (levels, epochs) over seeds.
    `carried` says that some runs ended before the last epoch and keep their last value from there on.
    """

    factor: Factor
    metric: str
    epochs: np.ndarray
    seeds: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    carried: bool


@dataclass(frozen=True)
class Layers:
    """A probe by layer and epoch for every level of a factor, at one depth.

    `maps` (levels, layers, epochs) are means over runs; `profiles` (levels, seeds, layers) means within each seed, at
    the end of the runs. Both of log10 of the probe where `logarithmic`. A probe taken once a run has no epochs to map.
    """

    probe: str
    logarithmic: bool
    depth: int
    labels: tuple[str, ...]
    slots: tuple[Slot, ...]
    numbers: np.ndarray
    epochs: np.ndarray
    maps: np.ndarray
    profiles: np.ndarray
    runs: int


def _thin(items: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the items, evenly spread, the first and the last among them."""
    return items if len(items) <= most else items[np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))]


class Histories:
    """The table of epochs as one array per metric, (cells, epochs); a run that ended early keeps its last value."""

    def __init__(self, tables: SweepTables, design: Design) -> None:
        self._table = tables.epochs
        self._cells = design.runs["cell"].to_numpy()
        self.epochs = np.sort(self._table["epoch"].unique()).astype(int)
        curves_of = [key for key in self._table if str(key).endswith(("_loss", "_accuracy"))]
        self.metrics = [key for key in curves_of if self._table[key].notna().any()]
        self._arrays: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Values (cells, epochs), and which of them (cells,) had to be carried on to the last epoch."""
        if metric not in self._arrays:
            wide = self._table.pivot_table(index="cell", columns="epoch", values=metric, aggfunc="first")
            wide = wide.reindex(index=self._cells, columns=self.epochs)
            ended = wide.iloc[:, -1].isna().to_numpy() if len(self.epochs) else np.zeros(len(wide), bool)
            self._arrays[metric] = (wide.ffill(axis=1).to_numpy(dtype=float), ended)
        return self._arrays[metric]


def curves(design: Design, histories: Histories, factor: Factor, metric: str) -> Curves:
    """The learning curves of `metric` by the levels of `factor`, over the runs its main effect is drawn from."""
    values, ended = histories.of(metric)
    runs, _, _ = matched(design, [factor.key], design.main)
    level, seed = runs[f"level:{factor.key}"].to_numpy(), runs[SEED].to_numpy()
    place = _thin(np.arange(len(histories.epochs)), MOST_EPOCHS)
    chosen = values[runs.index.to_numpy()][:, place]
    means = np.full((len(factor.values), len(design.seeds), len(place)), np.nan)
    for row in range(len(factor.values)):
        for column, number in enumerate(design.seeds):
            mine = chosen[(level == row) & (seed == number)]
            if len(mine):
                means[row, column] = mine.mean(axis=0)
    mean, low, high = _over_seeds(means)
    return Curves(factor, metric, histories.epochs[place], means, mean, low, high, bool(ended[runs.index].any()))


def _over_seeds(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(levels, seeds, epochs) -> mean, low, high (levels, epochs), over the seeds a level has."""
    levels, _, epochs = means.shape
    mean, low, high = (np.full((levels, epochs), np.nan) for _ in range(3))
    for row, values in enumerate(means):
        held = values[~np.isnan(values).all(axis=1)]
        if len(held):
            mean[row] = held.mean(axis=0)
            low[row], high[row] = t_interval(held.T)
    return mean, low, high


def _scaled(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """The values, or their log10 where they are positive (zeros aside) and span more than a factor of 30."""
    values = np.where(np.isfinite(values), values, np.nan)
    positive = values[values > 0]
    if not len(positive) or (values < 0).any() or positive.max() < 30 * positive.min():
        return values, False
    return np.log10(np.where(values > 0, values, np.nan)), True


def deepest(tables: SweepTables, design: Design) -> tuple[pd.DataFrame, int]:
    """The rows of the table of layers of the deepest finished runs, and their depth."""
    rows = tables.layers
    if not len(rows):
        return rows, 0
    finished = design.runs.loc[design.runs["outcome"] == "finished", "cell"]
    rows = rows[rows["cell"].isin(finished)]
    if not len(rows):
        return rows, 0
    most = rows.groupby("cell")["layer"].max()
    return rows[rows["cell"].isin(most.index[most == most.max()])], int(most.max()) - 1


def layers(design: Design, rows: pd.DataFrame, probe: str, factor: Factor | None, depth: int) -> Layers:
    """One probe of the `deepest` rows, by the levels of `factor` (None: all runs together)."""
    rows = rows[rows["probe"] == probe]
    scaled, logarithmic = _scaled(rows["value"].to_numpy(dtype=float))
    about = design.runs.set_index("cell")
    level = about.loc[rows["cell"], f"level:{factor.key}"].to_numpy() if factor else np.zeros(len(rows), int)
    table = pd.DataFrame({
        "level": level, "seed": about.loc[rows["cell"], SEED].to_numpy(), "layer": rows["layer"].to_numpy(),
        "epoch": rows["epoch"].to_numpy(), "value": scaled, "cell": rows["cell"].to_numpy(),
    })  # fmt: skip
    once = not table.duplicated(["cell", "layer"]).any()
    epochs = _thin(np.sort(table["epoch"].unique()), MOST_COLUMNS)[: 0 if once else None]
    numbers = np.sort(table["layer"].unique())
    labels = factor.labels if factor else ("all runs",)
    means = table.groupby(["level", "layer", "epoch"])["value"].mean()
    grid = pd.MultiIndex.from_product([range(len(labels)), numbers, epochs])
    maps = means.reindex(grid).to_numpy().reshape(len(labels), len(numbers), len(epochs))
    ends = table.sort_values("epoch", kind="stable").drop_duplicates(["cell", "layer"], keep="last")
    last = ends.groupby(["level", "seed", "layer"])["value"].mean()
    grid = pd.MultiIndex.from_product([range(len(labels)), design.seeds, numbers])
    profiles = last.reindex(grid).to_numpy().reshape(len(labels), len(design.seeds), len(numbers))
    slots = factor.slots if factor else (SLOTS[0],)
    held = int(rows["cell"].nunique())
    return Layers(probe, logarithmic, depth, labels, slots, numbers, epochs, maps, profiles, held)
