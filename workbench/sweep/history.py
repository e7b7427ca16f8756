"""The history of a pack as two long tables: epochs and layers, one row a run, an epoch (and a layer and a probe)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.engine.epoch import METRICS, Epoch

Table = dict[str, np.ndarray]


class History:
    """Gathers the epochs of a pack. `fingerprints` name its runs, in the order of the pack."""

    def __init__(self, fingerprints: Sequence[str]) -> None:
        self._fingerprints = np.asarray(fingerprints, dtype=object)
        self._epochs: list[Table] = []
        self._layers: list[Table] = []

    def add(self, epoch: Epoch) -> None:
        """Take up one epoch: metrics of every run that trained in it, and its probes where they have a value."""
        who = self._fingerprints[epoch.runs]
        number = np.full(len(who), epoch.number, np.int64)
        self._epochs.append({"fingerprint": who, "epoch": number} | {name: epoch.metrics[name] for name in METRICS})
        for probe, values in epoch.probes.items():
            run, layer = np.nonzero(~np.isnan(values))
            self._layers.append(
                {
                    "fingerprint": who[run],
                    "epoch": np.full(len(run), epoch.number, np.int64),
                    "layer": layer + 1,
                    "probe": np.full(len(run), probe, dtype=object),
                    "value": values[run, layer],
                }
            )

    def put_back(self, epochs: Table, layers: Table) -> None:
        """Begin with what was gathered before an interruption."""
        self._epochs, self._layers = [epochs], [layers]

    def epochs(self) -> Table:
        """Columns fingerprint, epoch and `METRICS`."""
        return _stacked(self._epochs)

    def layers(self) -> Table:
        """Columns fingerprint, epoch, layer (from 1), probe, value."""
        return _stacked(self._layers)


def _stacked(tables: list[Table]) -> Table:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]} if tables else {}
