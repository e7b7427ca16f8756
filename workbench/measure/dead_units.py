"""Dead units: those whose activation has derivative 0 on every training example."""

from __future__ import annotations

import numpy as np

from workbench.measure.measurement import Analysis
from workbench.measure.trained import NetworkOnSplit
from workbench.sweep.instruments import Measured, Trained


def _dead_units(trained: Trained) -> Measured:
    view = NetworkOnSplit(trained, trained.weights.final.astype(np.float64), "train")
    gains = [layer.gain() for layer in view.network.layers[:-1]]
    # In a convolution a unit is a channel: it is dead if it is dead at every place.
    dead = [(gain[0] == 0).reshape(-1, gain.shape[-1]).all(axis=0) for gain in gains if gain is not None]
    units = np.concatenate(dead) if dead else np.zeros(0)
    return Measured({"dead_units": float(units.mean()) if len(units) else float("nan")})


DEAD_UNITS = {
    "dead_units": Analysis(
        "share of hidden units with derivative 0 on all training examples", ("dead_units",), _dead_units
    )
}
