"""How far training has moved parametric ReLU's slopes from their start."""

from __future__ import annotations

import numpy as np

from workbench.measure.measurement import Analysis
from workbench.measure.trained import layout_of
from workbench.sweep.instruments import Measured, Trained


def _learned_slopes(trained: Trained) -> Measured:
    start = float(trained.pack.columns["slope"][0])
    views = layout_of(trained).views(trained.weights.final.astype(np.float64))
    slopes = [view["slopes"][0] for view in views if "slopes" in view]
    distance = float(np.abs(np.concatenate(slopes) - start).mean()) if slopes else 0.0
    layers = np.repeat(np.arange(1, len(slopes) + 1), [len(layer) for layer in slopes])
    table = {"layer": layers, "slope": np.concatenate(slopes) if slopes else np.zeros(0)}
    # Claims compare the distance at the end with that of the untrained network, 0.
    return Measured({"slope_distance": distance, "slope_distance_untrained": 0.0}, {"learned_slopes": table})


LEARNED_SLOPES = {
    "learned_slopes": Analysis(
        "mean distance of parametric ReLU's slopes from where they started; 0 for other activations",
        ("slope_distance", "slope_distance_untrained"),
        _learned_slopes,
    )
}
