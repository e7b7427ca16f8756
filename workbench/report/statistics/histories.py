"""Losses and accuracies by epoch, as arrays over the cells of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.report.statistics.design import Design

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class Evaluations:
    """After how many `epochs`, the untrained network's among them, the test data were evaluated: `times`."""

    times: int
    epochs: int


class Histories:
    """The table of epochs as one array per metric, (cells, epochs); a run that ended early keeps its last value.

    A metric need not have been taken at every epoch: `places` says where it was.
    """

    def __init__(self, tables: SweepTables, design: Design) -> None:
        self._table = tables.epochs
        self._cells = design.runs["cell"].to_numpy()
        self.epochs = np.sort(self._table["epoch"].unique()).astype(int)
        curves_of = [key for key in self._table if str(key).endswith(("_loss", "_accuracy"))]
        self.metrics = [key for key in curves_of if self._table[key].notna().any()]
        self._arrays: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._goes_on = self._table["epoch"] < self._table.groupby("cell", sort=False)["epoch"].transform("max")

    def places(self, metric: str) -> np.ndarray:
        """The places among `epochs` of those where the metric was taken of every run that has it and goes on, and
        of the first and the last of all.

        No mean over runs can be taken where only some have a value: those that ended with the epoch, or those that are
        tested more often than others (`test_every`).
        """
        going = self._table[self._goes_on]
        there = going[metric].notna()
        has_it = there.groupby(going["cell"], sort=False).transform("any")
        taken, missed = going.loc[there, "epoch"].unique(), going.loc[has_it & ~there, "epoch"].unique()
        return np.flatnonzero(np.isin(self.epochs, [*np.setdiff1d(taken, missed), *self.epochs[[0, -1]]]))

    @property
    def tested(self) -> Evaluations | None:
        """How often the test data were evaluated; None if it was after every epoch, or never."""
        places = next((len(self.places(key)) for key in map(str, self.metrics) if key.startswith("test_")), 0)
        return Evaluations(places, len(self.epochs)) if 0 < places < len(self.epochs) else None

    def of(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Values (cells, epochs), and which cells (cells,) ended early and keep their last value."""
        if metric not in self._arrays:
            wide = self._table.pivot_table(index="cell", columns="epoch", values=metric, aggfunc="first")
            wide = wide.reindex(index=self._cells, columns=self.epochs)
            ended = wide.iloc[:, -1].isna().to_numpy() if len(self.epochs) else np.zeros(len(wide), bool)
            self._arrays[metric] = (wide.ffill(axis=1).to_numpy(dtype=float), ended)
        return self._arrays[metric]
