"""Hyperparameters that change from step to step: learning rate, momentum, Adam's bias corrections; tables over an
epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """One row of `SCHEDULES`: `multiplier(update, factor)` scales the learning rate of update 0, 1, 2, ...

    `reads` names the settings it needs besides the learning rate.
    """

    summary: str
    multiplier: Callable[[np.ndarray, float], np.ndarray]
    reads: tuple[str, ...] = ()


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule("the same rate throughout", lambda update, factor: np.ones(len(update))),
    "inverse_sqrt": Schedule("rate / sqrt(update + 1)", lambda update, factor: 1 / np.sqrt(update + 1)),
    "exponential": Schedule(
        "rate * schedule_factor^update", lambda update, factor: np.power(factor, update), reads=("schedule_factor",)
    ),
}

# Numbers that change with the step (`timetable`). All others that a rule reads are constant in a run.
VARYING = ("learning_rate", "momentum", "next_momentum", "bias1", "bias2")
# Columns of the timetable that are computed from settings of other names, or from several settings.
MADE_FROM = {
    "momentum": ("momentum", "momentum_start", "momentum_ramp_epochs"),
    "next_momentum": ("momentum", "momentum_start", "momentum_ramp_epochs"),
    "bias1": ("beta1",),
    "bias2": ("beta2",),
}


def learning_rates(columns: Mapping[str, np.ndarray], updates: np.ndarray) -> np.ndarray:
    """The learning rate of every run at the given updates: (updates, runs) float64."""
    rows = list(zip(columns["schedule"], columns["schedule_factor"], strict=True))
    distinct = {(name, factor): SCHEDULES[name].multiplier(updates, factor) for name, factor in set(rows)}
    return np.stack([distinct[row] for row in rows], axis=1) * columns["learning_rate"]


def momenta(columns: Mapping[str, np.ndarray], updates: np.ndarray, updates_per_epoch: int) -> np.ndarray:
    """The momentum of every run at the given updates: (updates, runs) float64.

    It grows linearly from `momentum_start` to `momentum` over `momentum_ramp_epochs` epochs and then stays constant
    (Srivastava et al. 2014, appendix A.2). 0 epochs: no ramp.
    """
    start, final, ramp = columns["momentum_start"], columns["momentum"], columns["momentum_ramp_epochs"]
    progress = np.ones((len(updates), len(final)))
    np.divide(updates[:, None], ramp * updates_per_epoch, out=progress, where=np.broadcast_to(ramp > 0, progress.shape))
    return final - (final - start) * (1 - np.minimum(progress, 1))


def timetable(
    columns: Mapping[str, np.ndarray], first: int, count: int, updates_per_epoch: int
) -> dict[str, np.ndarray]:
    """The hyperparameters that vary with the step, each (count, runs) float64.

    The updates are `first`, ..., `first + count - 1`, counted from 0.
    """
    updates = np.arange(first, first + count, dtype=np.float64)
    momentum = momenta(columns, np.append(updates, first + count), updates_per_epoch)
    t = updates[:, None] + 1
    return {
        "learning_rate": learning_rates(columns, updates),
        "momentum": momentum[:-1],
        "next_momentum": momentum[1:],
        "bias1": 1 - _powers(columns["beta1"], t),
        "bias2": 1 - _powers(columns["beta2"], t),
    }


def _powers(bases: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Each base (runs,) to the power of each exponent (count, 1): (count, runs). Most runs have the same base."""
    distinct, which = np.unique(bases, return_inverse=True)
    return (distinct**exponents)[:, which]
