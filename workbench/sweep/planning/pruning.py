"""Stopping bad trials of a search early, by the rules of Optuna's pruners.

Optuna decides after every epoch whether a trial continues. Here the decision is computed before a trial begins, from
the results of earlier batches: for each epoch the largest validation loss with which the rule would continue. These
bounds are a setting of the trial's runs (`training.bounds`). So which trials stop does not depend on other trials in
training, on packs, or on an interruption; and runs of a pack may end one by one without loss.
"""

from __future__ import annotations

import math
from binascii import crc32
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

NO_PRUNER = "none"
STUDY_NAME = "search"  # Hyperband draws a trial's bracket from this name and the trial's number


class Seen(Protocol):
    """The result of an earlier trial: `curve[e - 1]` is its lowest validation loss up to epoch e."""

    @property
    def number(self) -> int:
        """Its number in the search."""
        ...

    @property
    def curve(self) -> Sequence[float]:
        """One value for each epoch that it was trained."""
        ...

    @property
    def complete(self) -> bool:
        """Whether it was trained to its end."""
        ...


@dataclass(frozen=True)
class Pruning:
    """The rule `name`, a row of PRUNERS, and its numbers: the first epoch that may stop a trial; `factor`: one of so
    many trials continues (halving); `startup`: how many complete trials there must be (median).
    """

    name: str = NO_PRUNER
    first_epoch: int = 1
    factor: int = 3
    startup: int = 5

    def bounds(self, number: int, epochs: int, earlier: Sequence[Seen]) -> dict[int, float]:
        """Epoch -> bound, for the trial of that number with this many epochs."""
        found = PRUNERS[self.name](self, number, epochs, earlier)
        return {epoch: bound for epoch, bound in found.items() if epoch < epochs and math.isfinite(bound)}


def _median(rule: Pruning, number: int, epochs: int, earlier: Sequence[Seen]) -> dict[int, float]:  # noqa: ARG001
    """Optuna's MedianPruner: a trial's best value must not be worse than the complete trials' median at that epoch."""
    import numpy as np  # late: Hydra's plugins import this file

    curves = [one.curve for one in earlier if one.complete]
    if len(curves) < rule.startup:
        return {}
    bounds = {}
    for epoch in range(rule.first_epoch, epochs):
        values = [curve[epoch - 1] for curve in curves if len(curve) >= epoch]
        if values and not np.isnan(values).all():
            bounds[epoch] = float(np.nanpercentile(values, 50))
    return bounds


def _halving(
    rule: Pruning, number: int, epochs: int, earlier: Sequence[Seen], bracket: int = 0  # noqa: ARG001
) -> dict[int, float]:  # fmt: skip
    """Optuna's SuccessiveHalvingPruner: at every rung a trial must be among the best that have reached it."""
    bounds, epoch = {}, rule.first_epoch * rule.factor**bracket
    while epoch < epochs:
        reached = [one.curve[epoch - 1] for one in earlier if len(one.curve) >= epoch]
        values = sorted(value for value in reached if not math.isnan(value))  # one that diverged has no place
        place = max((len(values) + 1) // rule.factor - 1, 0)
        if place < len(values):
            bounds[epoch] = float(values[place])
        epoch *= rule.factor
    return bounds


def _hyperband(rule: Pruning, number: int, epochs: int, earlier: Sequence[Seen]) -> dict[int, float]:
    """Optuna's HyperbandPruner: several halvings with different first rungs; each trial belongs to one of them."""
    brackets = math.floor(math.log(epochs / rule.first_epoch, rule.factor)) + 1 if epochs > rule.first_epoch else 1
    mine = _bracket(number, brackets, rule.factor)
    others = [one for one in earlier if _bracket(one.number, brackets, rule.factor) == mine]
    return _halving(rule, number, epochs, others, mine)


def _bracket(number: int, brackets: int, factor: int) -> int:
    """The bracket of a trial, as Optuna draws it."""
    budgets = [math.ceil(brackets * factor ** (brackets - 1 - place) / (brackets - place)) for place in range(brackets)]
    drawn = crc32(f"{STUDY_NAME}_{number}".encode()) % sum(budgets)
    for place, budget in enumerate(budgets):
        drawn -= budget
        if drawn < 0:
            return place
    raise AssertionError("the budgets add up to more than was drawn")


def _never(rule: Pruning, number: int, epochs: int, earlier: Sequence[Seen]) -> dict[int, float]:  # noqa: ARG001
    return {}


PRUNERS: dict[str, Callable[[Pruning, int, int, Sequence[Seen]], dict[int, float]]] = {
    NO_PRUNER: _never,
    "median": _median,
    "successive_halving": _halving,
    "hyperband": _hyperband,
}
NEVER = Pruning()
