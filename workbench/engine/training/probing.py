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
        self._rows, xp, data, dtype = rows, rows.xp, rows.data, rows.weights.dtype
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
        """All probes except those of a run's end, each (runs, layers) float64; and the rms of dl/dx, (runs,)."""
        network = self._network
        judged = self._judge(network.forward(), self._targets)
        layers = list(self._layers(after_update))
        values = self._measure("forward", layers)
        network.backward(np.multiply(judged.delta, 1 / self._batch, out=judged.delta))
        for layer_values, layer in zip(layers, network.layers, strict=True):
            # The gradient of one example's loss, so that it does not depend on the size of the batch.
            layer_values.dl_dz = None if layer.dl_dz is None else layer.dl_dz * self._batch
        values |= self._measure("backward", layers) | self._measure("weights", layers)
        return values, to_host(rms(network.input_gradient() * self._batch)).astype(np.float64)

    def at_end(self, ending: np.ndarray) -> dict[str, np.ndarray]:
        """The probes taken when a run ends, each (runs, layers) float64.

        `ending` (runs,) marks these runs; the others have NaN.
        """
        return probes_at_end(self._rows, ending)

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
        return _measured(moment, layers, len(self._targets))


def probes_at_end(rows: Rows, ending: np.ndarray) -> dict[str, np.ndarray]:
    """The probes taken when a run ends, each (runs, layers) float64. They see only weights.

    `ending` (runs,) marks these runs; the others have NaN.
    """
    if not ending.any():
        shape = len(ending), len(rows.layout.layers)
        return {name: np.full(shape, np.nan) for name, probe in PROBES.items() if probe.moment == "end"}
    slope = rows.xp.zeros(len(ending), rows.weights.dtype)
    layers = Network(rows.layout, rows.weights, None, slope, 1).layers
    own = rows.layout.views(rows.weights)
    probed = [ProbedLayer(layer, weights=view.get("weights")) for layer, view in zip(layers, own, strict=True)]
    values = _measured("end", probed, len(ending))
    return {name: np.where(ending[:, None], found, np.nan) for name, found in values.items()}


def _measured(moment: str, layers: list[ProbedLayer], runs: int) -> dict[str, np.ndarray]:
    """The probes of a moment, (runs, layers) each; NaN for layers without the measured array."""
    return {
        name: np.stack([_on_host(probe.measure(layer), runs) for layer in layers], axis=1)
        for name, probe in PROBES.items()
        if probe.moment == moment
    }


def _on_host(value: Array | None, runs: int) -> np.ndarray:
    return np.full(runs, np.nan) if value is None else to_host(value).astype(np.float64)
