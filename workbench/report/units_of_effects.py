"""The units of effects: which metrics are logarithms, so that a difference is a factor, and what others count in.

A metric of a person's own that a rule compares needs a line here or in `METRICS` only if its name does not say enough:
the name stands beside every effect. Losses have the unit that the page states for them.
"""

from __future__ import annotations

import math
import re

DECADES_A_LAYER = "decades a layer"

LOGARITHMS: dict[str, float] = {  # metric -> base
    **dict.fromkeys(
        (
            "elementwise_log10_seconds",
            "step_log10_seconds",
            "forward_log10_seconds",
            "loop_log10_seconds",
            "matrix_log10_seconds",
            "gpu_log10_seconds",
            "matrix_log10_speedup",
            "gpu_log10_speedup",
            "largest_log10_ratio",
            "log10_train_loss",
            "update_ratio",
        ),
        10.0,
    ),
    **dict.fromkeys(("train_log_jacobian", "test_log_jacobian", "matched_log_jacobian_at_0.05"), math.e),
}
UNITS: dict[str, str] = {  # metric -> unit of a difference
    "decades_of_control": "decades",
    "slope_gradient_z": DECADES_A_LAYER,
    "slope_gradient_weights": DECADES_A_LAYER,
    "decay": DECADES_A_LAYER,
    "decay_measured": DECADES_A_LAYER,
    "decay_predicted": DECADES_A_LAYER,
    "parameters_times": "times",
    "escape_speedup": "times",
    "escape_speedup_at_equal_step": "times",
}
NAMES: dict[str, str] = {  # metric -> its name, where the key says it badly
    "largest_log10_ratio": "Largest ratio",
    "matched_log_jacobian_at_0.05": "Matched jacobian at 0.05",
    "gpu_log10_seconds": "GPU seconds",
    "gpu_log10_speedup": "GPU speedup",
}
_LOGARITHM = re.compile(r"(?:(?<=_)|^)log(10)?_")


def without_logarithm(key: str) -> str:
    """The key of a metric without the logarithm that it says, if it is one: `loop_seconds` of `loop_log10_seconds`."""
    return _LOGARITHM.sub("", key) if key in LOGARITHMS else key
