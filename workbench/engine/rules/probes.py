"""Probes: measurements inside the layers while a network trains, on a small fixed batch without dropout.

A probe is a function of one layer after the forward pass, of one layer after the backward pass, or of its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import BoundLayer

PROBE_EXAMPLES = 32  # of each run's training split: enough to estimate the share of dead units, few enough to be cheap
SATURATED = 0.05  # of the activation's steepest derivative
NEAR_ZERO = 1e-2


@dataclass
class ProbedLayer:
    """The arrays of one layer that a probe may read; an array that the layer does not have is None.

    `gain` is (runs, batch, *outputs), None at the output layer; `dl_dz` has that shape and belongs to each example's
    own loss. `weights`, `gradients` and `previous`, the weights before the last update, are (runs, *shape); there is no
    `previous` before the first update.
    """

    layer: BoundLayer
    gain: Array | None = None
    weights: Array | None = None
    previous: Array | None = None
    gradients: Array | None = None
    dl_dz: Array | None = None


@dataclass(frozen=True)
class Probe:
    """One row of `PROBES`. `measure` returns (runs,) for one layer, None if the layer lacks the measured array.

    `moment` is "forward", "backward", "weights" or "end"; a probe of moment "end" is taken once, when a run ends.
    """

    summary: str
    moment: str
    measure: Callable[[ProbedLayer], Array | None]


def _flat(array: Array) -> Array:
    return array.reshape(len(array), -1)


def rms(array: Array) -> Array:
    """Root of the mean square of all but the first axis: (runs, ...) -> (runs,)."""
    flat = _flat(array)
    return np.sqrt((flat * flat).mean(axis=1))


def _saturated(at: ProbedLayer) -> Array | None:
    if at.gain is None:
        return None
    return _flat(np.abs(at.gain) < SATURATED * at.layer.layer.steepest).mean(axis=1)


def _dead(at: ProbedLayer) -> Array | None:
    if at.gain is None:
        return None
    # A unit is a channel in a convolution: it is dead if it is dead at all places.
    return (at.gain == 0).reshape(len(at.gain), -1, at.gain.shape[-1]).all(axis=1).mean(axis=1)


def _update_size(at: ProbedLayer) -> Array | None:
    if at.weights is None or at.previous is None:
        return None
    return rms(at.weights - at.previous) / rms(at.previous)


def gini(weights: Array) -> Array:
    """Gini coefficient of the sizes of the weights: (runs, ...) -> (runs,).

    It is 0 if all sizes are equal, near 1 if a few dominate, NaN if all are 0.
    """
    count = weights[0].size
    rank = _like(2.0 * np.arange(1, count + 1) - count - 1, weights)
    return np.stack([_gini(run, rank) for run in weights])  # run by run: each needs six times its memory


def _gini(weights: Array, rank: Array) -> Array:
    sizes = np.abs(weights).reshape(-1).astype(np.float64)
    sizes.sort()
    return (sizes * rank).sum() / (len(sizes) * sizes.sum())


def _of(name: str, measure: Callable[[Array], Array]) -> Callable[[ProbedLayer], Array | None]:
    """A probe of one array of a layer, by its name in `ProbedLayer`."""
    return lambda at: None if getattr(at, name) is None else measure(getattr(at, name))


def _like(array: np.ndarray, other: Array) -> Array:
    return np.asarray(array, like=other)


PROBES: dict[str, Probe] = {
    "activation_mean": Probe("mean of the layer's outputs", "forward", lambda at: _flat(at.layer.a).mean(axis=1)),
    "activation_deviation": Probe("their standard deviation", "forward", lambda at: _flat(at.layer.a).std(axis=1)),
    "saturated": Probe("share of outputs whose derivative is under 5 % of the steepest", "forward", _saturated),
    "gain": Probe("rms of the activation's derivative", "forward", _of("gain", rms)),
    "dead": Probe("share of units with derivative 0 on the whole probe batch", "forward", _dead),
    "gradient_z": Probe("rms of dl/dz over examples and neurons", "backward", _of("dl_dz", rms)),
    "gradient_weights": Probe("rms of dL/dW, L the mean loss of the probe batch", "backward", _of("gradients", rms)),
    "update_size": Probe("rms of the epoch's last update of W, relative to rms of W", "weights", _update_size),
    "weight_rms": Probe("rms of W", "weights", _of("weights", rms)),
    "near_zero": Probe(
        "share of weights under 1e-2",
        "weights",
        _of("weights", lambda w: _flat(np.abs(w) < NEAR_ZERO).mean(axis=1)),
    ),
    "exact_zero": Probe(
        "share of weights that are exactly 0", "weights", _of("weights", lambda w: _flat(w == 0).mean(axis=1))
    ),
    "gini": Probe("Gini coefficient of |W|, once, when the run ends", "end", _of("weights", gini)),
}
