"""The traces of the tables' rows: what each rule computes, and what a pack's rules read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import numpy as np

from workbench.engine.kernels.lowering import CannotLower, Trace, trace
from workbench.engine.rules.activations import ACTIVATIONS, Activation
from workbench.engine.rules.optimizers import OPTIMIZERS, Optimizer
from workbench.engine.rules.penalties import PENALTIES, Penalty, strengths
from workbench.engine.rules.schedules import VARYING
from workbench.engine.training.pack import Pack

ROWS_MOMENT = "rows"  # the moment of penalties that act on whole rows of weights
ROWS_BY_HAND = ("max_norm",)  # penalties of that moment, which every kernel has by hand


@lru_cache(maxsize=256)
def activation_traces(row: Activation) -> tuple[Trace, Trace, Trace | None]:
    """The trace of an elementwise activation: value, derivative and, if its slopes are learned, the slope's derivative.

    Raises CannotLower.
    """
    if type(row) is not Activation:
        raise CannotLower("it is not elementwise")
    learned = row.slope_derivative
    return (
        _one(trace(row.value, ("z", "slope"))),
        _one(trace(row.derivative, ("z", "a", "slope"))),
        _one(trace(learned, ("z",))) if learned else None,
    )


@lru_cache(maxsize=256)
def optimizer_trace(row: Optimizer) -> Trace:
    """The trace of an update: the new weight, then the new slots. Raises CannotLower."""
    slots = tuple(f"slot{place}" for place in range(len(row.slots)))
    traced = trace(row.update, ("w", "g", *slots), has_numbers=True)
    if len(traced.results) != 1 + len(slots):
        raise CannotLower(f"it returns {len(traced.results)} values, and has to return w and {len(slots)} slots")
    return traced


@lru_cache(maxsize=256)
def penalty_trace(row: Penalty) -> Trace:
    """The trace of a penalty: the new gradient, or the new weight. Raises CannotLower."""
    if row.moment == ROWS_MOMENT:
        raise CannotLower("it looks at whole rows of weights")
    return _one(trace(row.apply, ("w", "g"), has_numbers=True))


def _one(traced: Trace) -> Trace:
    if len(traced.results) != 1:
        raise CannotLower(f"it returns {len(traced.results)} values, and has to return one")
    return traced


def used_penalties(pack: Pack) -> dict[str, Penalty]:
    """The elementwise penalties that any run of the pack uses, in the order of the table."""
    columns = strengths(pack.columns)
    return {name: row for name, row in PENALTIES.items() if row.moment != ROWS_MOMENT and columns[name].any()}


def rules_read(pack: Pack) -> list[str]:
    """The names in a row of numbers: what the pack's optimizer reads, then what each penalty in use reads."""
    penalties = [name for row in used_penalties(pack).values() for name in penalty_trace(row).reads]
    return [*optimizer_trace(OPTIMIZERS[pack.optimizer]).reads, *penalties]


def constant_numbers(columns: Mapping[str, np.ndarray], reads: list[str]) -> np.ndarray:
    """A row of numbers for each run, (runs, len(reads)) float32. Numbers that vary with the step are 0 here."""
    known, runs = strengths(columns), len(columns["seed"])
    rows = [np.zeros(runs) if name in VARYING else known[name] for name in reads]
    return np.stack(rows, axis=1).astype(np.float32)


def rule_obstacle(pack: Pack) -> str:
    """The rule of the pack that has no lowered form, and why; "" if every rule has one."""
    for kind, name, follow in _rules(pack):
        try:
            follow()
        except CannotLower as reason:
            return f"{kind}={name}: {reason}"
    return ""


def _rules(pack: Pack) -> Iterator[tuple[str, str, Callable[[], object]]]:
    yield "network.activation", pack.activation, lambda: activation_traces(ACTIVATIONS[pack.activation])
    yield "optimizer", pack.optimizer, lambda: optimizer_trace(OPTIMIZERS[pack.optimizer])
    for name, row in PENALTIES.items():
        if not strengths(pack.columns)[name].any():
            continue
        if name not in ROWS_BY_HAND:
            yield "penalty", name, lambda row=row: penalty_trace(row)  # type: ignore[misc]
