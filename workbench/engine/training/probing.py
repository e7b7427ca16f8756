"""The probes of a group of runs: one forward and one backward pass over a small fixed batch, without dropout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.engine.backend import Array, to_host
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.losses import LOSSES
from workbench.engine.rules.probes import PROBE_EXAMPLES, PROBES, ProbedLayer, rms
from workbench.engine.training.network import Network
from workbench.engine.training.reader import Reader


class PlainProbes:
    """Probes the networks in the rows of a group."""

    def __init__(self, rows: Rows) -> None:
        xp, data, dtype = rows.xp, rows.data, rows.weights.dtype
        self._batch = min(PROBE_EXAMPLES, data.train.index.shape[1])
        slope = xp.asarray(rows.pack.columns["slope"].astype(dtype))
        # The training loop's own gradients are free between two epochs.
        self._network = Network(rows.layout, rows.weights, rows.gradients, slope, self._batch)
        self._views = [rows.layout.views(buffer) for buffer in (rows.weights, rows.previous, rows.gradients)]
        self._judge = LOSSES[rows.pack.loss].judge
        reader = Reader(rows.stored, data, self._batch, dtype, xp)
        reader.read(xp.asarray(data.train.index[:, : self._batch]), self._network.inputs)
        self._targets = xp.asarray(data.train.targets[:, : self._batch])

    def take(self, after_update: bool) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """All probes but those of a run's end, each (runs, layers) float64; and rms of dl/dx, (runs,)."""
        network = self._network
        judged = self._judge(network.forward(), self._targets)
        layers = list(self._layers(after_update))
        values = self._measure("forward", layers)
        network.backward(np.multiply(judged.delta, 1 / self._batch, out=judged.delta))
        for layer_values, layer in zip(layers, network.layers, strict=True):
            # Of one example, whatever the size of the batch.
            layer_values.dl_dz = None if layer.dl_dz is None else layer.dl_dz * self._batch
        values |= self._measure("backward", layers) | self._measure("weights", layers)
        return values, to_host(rms(network.input_gradient() * self._batch)).astype(np.float64)

    def at_end(self, ending: np.ndarray) -> dict[str, np.ndarray]:
        """The probes taken when a run ends, each (runs, layers) float64.

        `ending` (runs,) marks these runs; the others have NaN.
        """
        names = [name for name, probe in PROBES.items() if probe.moment == "end"]
        shape = (len(ending), len(self._network.layers))
        if not ending.any():
            return {name: np.full(shape, np.nan) for name in names}
        values = self._measure("end", list(self._layers(after_update=False)))
        return {name: np.where(ending[:, None], values[name], np.nan) for name in names}

    def _layers(self, after_update: bool) -> Iterator[ProbedLayer]:
        for layer, own, previous, gradients in zip(self._network.layers, *self._views, strict=True):
            is_output = layer is self._network.layers[-1]
            yield ProbedLayer(
                layer=layer,
                gain=None if is_output else layer.gain(),
                weights=own.get("weights"),
                previous=previous.get("weights") if after_update else None,
                gradients=gradients.get("weights"),
            )

    def _measure(self, moment: str, layers: list[ProbedLayer]) -> dict[str, np.ndarray]:
        return {
            name: np.stack([self._on_host(probe.measure(layer_values)) for layer_values in layers], axis=1)
            for name, probe in PROBES.items()
            if probe.moment == moment
        }

    def _on_host(self, value: Array | None) -> np.ndarray:
        runs = len(self._targets)
        return np.full(runs, np.nan) if value is None else to_host(value).astype(np.float64)
