"""The names that device code and Python share: which rows of the families' tables have a form on the device.

One list each; `source.text` hands them to the compiler as constants.
"""

from __future__ import annotations

from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.pack import Pack

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "maxout", "softplus")
LOSSES = ("cross_entropy", "binary_cross_entropy", "squared_error", "softmax_squared_error")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")

# What an update may read of a run: what varies with the step, see `schedules.timetable`, and what does not.
VARYING = ("learning_rate", "momentum", "next_momentum", "bias1", "bias2")
CONSTANT = ("alpha", "beta1", "beta2", "epsilon", "l1", "l2", "decay", "l1_proximal", "max_norm")
NUMBERS = VARYING + CONSTANT

THREADS = 256  # of a block, at most
TILE = 32  # columns side by side where a block adds up columns: one warp, so that reads are whole lines
LARGEST_GRID = 65535  # blocks along the second axis


def supports(pack: Pack) -> bool:
    """Whether every piece of the pack has a form on the device; what has none is trained by the plain kernel."""
    return (
        pack.device == "cuda"
        and pack.dtype == "float32"
        and pack.activation in ACTIVATIONS
        and pack.loss in LOSSES
        and pack.optimizer in OPTIMIZERS
        and all(name in CONSTANT or not pack.columns[name].any() for name in PENALTIES)
    )


def constants() -> dict[str, int]:
    """Every name the device code reads, with its number."""
    families = {"ACTIVATION": ACTIVATIONS, "LOSS": LOSSES, "OPTIMIZER": OPTIMIZERS, "AT": NUMBERS}
    codes = {f"{kind}_{name.upper()}": code for kind, names in families.items() for code, name in enumerate(names)}
    return codes | {"VARYING": len(VARYING), "CONSTANT": len(CONSTANT), "THREADS": THREADS, "TILE": TILE}
