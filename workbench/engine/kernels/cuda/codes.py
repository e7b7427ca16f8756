"""The names that device code and Python share: which rows of the families' tables have a form on the device.

A row has one if it is elementwise and can be lowered (`lowering.py`). `source.text` gives the codes to the compiler as
constants.
"""

from __future__ import annotations

from collections.abc import Callable

from workbench.engine.kernels.forms import layer_obstacle
from workbench.engine.kernels.lowering import CannotLower
from workbench.engine.kernels.traced import (
    VARYING,
    activation_traces,
    optimizer_trace,
    penalty_trace,
    rule_obstacle,
)
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.training.pack import Pack

CUDA_FORMS = "cuda"  # the name of this kernel in `Layer.forms`
LOSS_CODES = ("cross_entropy", "binary_cross_entropy", "squared_error", "softmax_squared_error")
MOST_SLOTS = 4  # the most that an optimizer may have

THREADS = 256  # of a block, unless few blocks share a device
MOST_THREADS = 1024  # of a block
PLACES = 4  # examples that a block reads at a time
SMALL_BLOCK = 128  # threads of a block of a small product
SHARING_LANES = 8  # of them share the terms of one element
JUDGES, JUDGED = 128, 32  # threads that judge a run's outputs, and the most outputs that they judge in shared memory
# A product that updates weights at once: the tile of weights of a block, the examples that it multiplies at a time, its
# threads, how many blocks share a multiprocessor (four have all its registers, 128 a thread), and how many fours of
# weights a thread reads before it writes the first. `benchmarks/gpu_tiles.py` measures others.
PRODUCT = {"ROWS": 64, "COLUMNS": 128, "DEPTH": 16, "THREADS": 128, "BLOCKS": 4, "AHEAD": 4}
TILE = 32  # columns side by side if a block sums columns: one warp, so that reads are whole lines
LARGEST_GRID = 65535  # the most blocks along the second axis


def activations() -> tuple[str, ...]:
    """The rows of `ACTIVATIONS` with a form on the device; a row's place is its code."""
    return tuple(name for name, row in ACTIVATIONS.items() if _has_form(activation_traces, row))


def optimizers() -> tuple[str, ...]:
    """The rows of `OPTIMIZERS` with a form on the device; a row's place is its code."""
    rows = OPTIMIZERS.items()
    return tuple(name for name, row in rows if len(row.slots) <= MOST_SLOTS and _has_form(optimizer_trace, row))


def penalties() -> tuple[str, ...]:
    """The elementwise rows of `PENALTIES` with a form on the device."""
    return tuple(name for name, row in PENALTIES.items() if _has_form(penalty_trace, row))


def constant() -> tuple[str, ...]:
    """What rules read and no step changes: the numbers of every optimizer, then of every penalty, then max-norm."""
    read = [name for row in optimizers() for name in optimizer_trace(OPTIMIZERS[row]).reads]
    read += [name for row in penalties() for name in penalty_trace(PENALTIES[row]).reads]
    return (*dict.fromkeys(name for name in read if name not in VARYING), "max_norm")


def numbers() -> tuple[str, ...]:
    """All numbers that an update may read, in its order: those that vary with the step, then the others."""
    return VARYING + constant()


def obstacle(pack: Pack) -> str:
    """Why this kernel cannot train the pack; "" if every layer and every rule of it has a form on the device."""
    if pack.device != "cuda" or pack.dtype != "float32":
        return f"device={pack.device}, dtype={pack.dtype}"
    if pack.loss not in LOSS_CODES:
        return f"network.loss={pack.loss}: it has no form in this kernel"
    if len(OPTIMIZERS[pack.optimizer].slots) > MOST_SLOTS:
        return f"optimizer={pack.optimizer}: it keeps more than {MOST_SLOTS} slots"
    return layer_obstacle(pack, CUDA_FORMS) or rule_obstacle(pack)


def constants() -> dict[str, int]:
    """Every name the device code reads, with its number."""
    families = {"LOSS": LOSS_CODES, "AT": numbers()}
    found = {f"{kind}_{name.upper()}": code for kind, names in families.items() for code, name in enumerate(names)}
    sizes = {"VARYING": len(VARYING), "CONSTANT": len(constant()), "THREADS": THREADS, "MOST_THREADS": MOST_THREADS}
    sizes |= {
        "TILE": TILE,
        "PLACES": PLACES,
        "MOST_SLOTS": MOST_SLOTS,
        "SMALL_BLOCK": SMALL_BLOCK,
        "SHARING_LANES": SHARING_LANES,
    }
    sizes |= {"JUDGES": JUDGES, "JUDGED": JUDGED}
    return found | sizes | {f"PRODUCT_{name}": size for name, size in PRODUCT.items()}


def _has_form(follow: Callable[[object], object], row: object) -> bool:
    try:
        follow(row)
    except CannotLower:
        return False
    return True
