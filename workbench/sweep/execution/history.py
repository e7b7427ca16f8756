"""The history of a pack as two long tables: epochs (a row for each run and epoch) and layers (also for each layer and
probe).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.engine.rules.probes import PROBES
from workbench.engine.training.epoch import EPOCH_METRICS, Epoch

Table = dict[str, np.ndarray]
PROBE_NAMES = tuple(PROBES)


class History:
    """Gathers the epochs of a pack. `fingerprints` name its runs, in the order of the pack.

    Internally a run is its place in the pack and a probe its place in `PROBES`; the tables hold their names.
    """

    def __init__(self, fingerprints: Sequence[str]) -> None:
        self._fingerprints = np.asarray(fingerprints, dtype=object)
        self._epochs: list[Table] = []
        self._layers: list[Table] = []

    def add(self, epoch: Epoch) -> None:
        """Add one epoch: the metrics of every run that trained in it, and the probes that have a value."""
        runs = epoch.runs.astype(np.int32)
        number = np.full(len(runs), epoch.number, np.int64)
        which: Table = {"run": runs, "epoch": number}
        self._epochs.append(which | {name: epoch.metrics[name] for name in EPOCH_METRICS})
        for probe, values in epoch.probes.items():
            row, layer = np.nonzero(~np.isnan(values))
            self._layers.append(
                {
                    "run": runs[row],
                    "epoch": np.full(len(row), epoch.number, np.int64),
                    "layer": layer + 1,
                    "probe": np.full(len(row), PROBE_NAMES.index(probe), np.int8),
                    "value": values[row, layer],
                }
            )

    def raw(self) -> tuple[Table, Table]:
        """Both tables as plain numbers, for a checkpoint."""
        return _stacked(self._epochs), _stacked(self._layers)

    def put_back(self, epochs: Table, layers: Table, runs: np.ndarray) -> None:
        """Start with the history from before an interruption: `raw()` of a pack in which our runs had the places
        `runs`.
        """
        self._epochs, self._layers = [_part(epochs, runs)], [_part(layers, runs)]

    def epochs(self) -> Table:
        """Columns fingerprint, epoch and `EPOCH_METRICS`."""
        return self._named(_stacked(self._epochs))

    def layers(self) -> Table:
        """Columns fingerprint, epoch, layer (from 1), probe, value."""
        table = self._named(_stacked(self._layers))
        return table | {"probe": np.array(PROBE_NAMES, dtype=object)[table["probe"]]} if table else {}

    def _named(self, table: Table) -> Table:
        if not table:
            return {}
        rest = {name: column for name, column in table.items() if name != "run"}
        return {"fingerprint": self._fingerprints[table["run"]], **rest}


def _part(table: Mapping[str, np.ndarray], runs: np.ndarray) -> Table:
    """The rows of some runs, which are numbered anew in that order."""
    if not table:
        return {}
    place = np.full(max(int(table["run"].max(initial=0)), int(runs.max())) + 1, -1, np.int32)
    place[runs] = np.arange(len(runs))
    kept = place[table["run"]] >= 0
    return {name: place[column[kept]] if name == "run" else column[kept] for name, column in table.items()}


def _stacked(tables: list[Table]) -> Table:
    tables = [table for table in tables if table]
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]} if tables else {}
