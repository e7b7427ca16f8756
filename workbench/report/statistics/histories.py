"""Losses and accuracies by epoch, as arrays over the cells of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.report.statistics.design import Design

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


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
        """Values (cells, epochs), and which cells (cells,) ended early and keep their last value."""
        if metric not in self._arrays:
            wide = self._table.pivot_table(index="cell", columns="epoch", values=metric, aggfunc="first")
            wide = wide.reindex(index=self._cells, columns=self.epochs)
            ended = wide.iloc[:, -1].isna().to_numpy() if len(self.epochs) else np.zeros(len(wide), bool)
            self._arrays[metric] = (wide.ffill(axis=1).to_numpy(dtype=float), ended)
        return self._arrays[metric]
