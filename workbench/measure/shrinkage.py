"""The effect of a penalty alone on a weight: updates without a gradient from data."""

from __future__ import annotations

import numpy as np

from workbench.config import RunConfig
from workbench.measure.measurement import Measurement, tidy
from workbench.measure.optimizer_rules import LAYOUT, columns_of, run_through
from workbench.measure.subject import largest_error
from workbench.sweep.instruments import Measured

SHRINKAGE_STEPS = 50
SIZES = np.geomspace(1e-4, 1e2, LAYOUT.weights_end)  # of weights, relative to the size at which L1 and L2 shrink alike


def _path(config: RunConfig, start: np.ndarray, steps: int, **penalty: float) -> np.ndarray:
    row = np.zeros(LAYOUT.size)
    row[: len(start)] = start
    nothing = np.zeros(LAYOUT.size)
    columns = columns_of(config, **penalty)
    return run_through(config.optimizer.name, columns, lambda _step, _w: nothing, row, steps)[:, : len(start)]


def _shrinkage(config: RunConfig) -> Measured:
    """Shrinks weights of both signs and many sizes, with the strengths penalty.l1 and penalty.l2."""
    rate, l1, l2 = config.optimizer.learning_rate, config.penalty.l1, config.penalty.l2
    crossover = l1 / l2
    start = crossover * SIZES * np.where(np.arange(len(SIZES)) % 2, 1.0, -1.0)
    by_l1, by_l2 = _path(config, start, 1, l1=l1)[1], _path(config, start, SHRINKAGE_STEPS, l2=l2)
    lost_l1, lost_l2 = np.abs(start) - np.abs(by_l1), np.abs(start) - np.abs(by_l2[1])
    clear = np.abs(start) > rate * l1  # smaller weights overshoot zero under L1, so the change in size is another one
    constant = largest_error((start - by_l1)[clear], (rate * l1 * np.sign(start))[clear])
    powers = np.multiply.outer((1 - rate * l2) ** np.arange(SHRINKAGE_STEPS + 1), start)
    rows = list(zip(np.abs(start), lost_l1, lost_l2, strict=True))
    return Measured(
        {
            "l1_constant_error": constant,
            "l1_overshoot_share": float((np.sign(by_l1) != np.sign(start)).mean()),
            "l2_decay_error": largest_error(by_l2, powers),
            "crossover_error": _crossover_error(np.abs(start)[clear], (lost_l2 - lost_l1)[clear], crossover),
        },
        {"shrinkage": tidy(("size", "lost_by_l1", "lost_by_l2"), rows)},
    )


def _crossover_error(sizes: np.ndarray, difference: np.ndarray, expected: float) -> float:
    """The relative error of the size at which L2 overtakes L1; each size on the wrong side of it adds 1."""
    wrong = ((difference > 0) != (sizes > expected)).sum()
    turn = int(np.argmax(difference > 0))
    if not turn:  # L2 never overtakes L1
        return float(1 + wrong)
    found = np.interp(0.0, difference[[turn - 1, turn]], sizes[[turn - 1, turn]])
    return float(abs(found / expected - 1) + wrong)


SHRINKAGE = {
    "shrinkage": Measurement(
        "what L1 and L2 take from weights in updates without a data gradient, against their closed forms, and where L2 "
        "overtakes L1",
        ("optimizer", "penalty.l1", "penalty.l2"),
        ("l1_constant_error", "l1_overshoot_share", "l2_decay_error", "crossover_error"),
        _shrinkage,
    )
}
