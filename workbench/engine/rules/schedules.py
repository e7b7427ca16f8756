"""Hyperparameters that change from step to step: learning rate, momentum and Adam's bias corrections, as tables over
an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """One row of `SCHEDULES`: `multiplier(time, factor)` scales the learning rate of update 0, 1, 2, ...

    `reads` names the settings it needs besides the learning rate. `clock` says what its time is, a row of `CLOCKS`: by
    default the number of the update.
    """

    summary: str
    multiplier: Callable[[np.ndarray, float], np.ndarray]
    reads: tuple[str, ...] = ()
    clock: str = "update"


CLOCKS: dict[str, Callable[[np.ndarray, float, int], np.ndarray]] = {  # (updates, schedule_time, updates an epoch)
    "update": lambda updates, time, per_epoch: updates,
    "epoch": lambda updates, time, per_epoch: np.floor(updates / per_epoch),
    "share": lambda updates, time, per_epoch: updates / time,
}


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule("the same rate throughout", lambda update, factor: np.ones(len(update))),
    "inverse_sqrt": Schedule("rate / sqrt(update + 1)", lambda update, factor: 1 / np.sqrt(update + 1)),
    "exponential": Schedule(
        "rate * schedule_factor^update", lambda update, factor: np.power(factor, update), reads=("schedule_factor",)
    ),
    "by_epoch": Schedule(
        "rate * schedule_factor^epoch, the same throughout an epoch",
        lambda epoch, factor: np.power(factor, epoch),
        reads=("schedule_factor",),
        clock="epoch",
    ),
    "inverse_time": Schedule(
        "rate / (1 + update / schedule_time) (Robbins and Monro 1951)",
        lambda share, factor: 1 / (1 + share),
        reads=("schedule_time",),
        clock="share",
    ),
}

# Numbers that change with the step (`timetable`). All others that a rule reads are constant in a run.
VARYING = ("learning_rate", "momentum", "next_momentum", "bias1", "bias2")
RAMPS = ("momentum_start", "momentum_ramp_epochs", "momentum_end", "momentum_end_epochs")
# Columns of the timetable that are computed from settings of other names, or from several settings.
MADE_FROM = {
    "momentum": ("momentum", *RAMPS),
    "next_momentum": ("momentum", *RAMPS),
    "bias1": ("beta1",),
    "bias2": ("beta2",),
}


def learning_rates(columns: Mapping[str, np.ndarray], updates: np.ndarray, updates_per_epoch: int) -> np.ndarray:
    """The learning rate of every run at the given updates: (updates, runs) float64."""
    read = [columns[name] for name in ("schedule", "schedule_factor", "schedule_time")]
    if all((column == column[0]).all() for column in read):  # most packs have one schedule
        name, factor, time = (column[0] for column in read)
        multiplier = _multiplier(SCHEDULES[name], factor, time, updates, updates_per_epoch)
        return multiplier[:, None] * columns["learning_rate"]
    rows = list(zip(*read, strict=True))
    distinct = {
        (name, factor, time): _multiplier(SCHEDULES[name], factor, time, updates, updates_per_epoch)
        for name, factor, time in set(rows)
    }
    return np.stack([distinct[row] for row in rows], axis=1) * columns["learning_rate"]


def _multiplier(row: Schedule, factor: float, time: float, updates: np.ndarray, updates_per_epoch: int) -> np.ndarray:
    """What the learning rate is multiplied by at each update: (updates,)."""
    return row.multiplier(CLOCKS[row.clock](updates, time, updates_per_epoch), factor)


def momenta(columns: Mapping[str, np.ndarray], updates: np.ndarray, updates_per_epoch: int) -> np.ndarray:
    """The momentum of every run at the given updates: (updates, runs) float64.

    It grows linearly from `momentum_start` to `momentum` over `momentum_ramp_epochs` epochs and then stays constant
    (Srivastava et al. 2014, appendix A.2). 0 epochs: no ramp. Over the last `momentum_end_epochs` of a run's epochs it
    goes on linearly to `momentum_end` (Sutskever et al. 2013 lower it at the end); 0 epochs: it does not.
    """
    start, final, ramp = columns["momentum_start"], columns["momentum"], columns["momentum_ramp_epochs"]
    if not ramp.any() and not columns["momentum_end_epochs"].any():
        return np.repeat(final[None].astype(np.float64), len(updates), axis=0)
    rising = _progress(updates[:, None], ramp * updates_per_epoch, otherwise=1.0)
    end, last = columns["momentum_end"], columns["momentum_end_epochs"]
    left = columns["epochs"] * updates_per_epoch - updates[:, None]
    ending = 1 - _progress(left, last * updates_per_epoch, otherwise=1.0)
    momentum = final - (final - start) * (1 - rising)
    return np.where(ending > 0, momentum + (end - momentum) * ending, momentum)


def _progress(passed: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    """The share of each run's `whole` (runs,) updates that have passed, from 0 to 1: (updates, runs)."""
    passed = np.broadcast_to(passed, (len(passed), len(whole)))
    share = np.full(passed.shape, otherwise)
    np.divide(passed, whole, out=share, where=np.broadcast_to(whole > 0, share.shape))
    return np.clip(share, 0, 1)


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
        "learning_rate": learning_rates(columns, updates, updates_per_epoch),
        "momentum": momentum[:-1],
        "next_momentum": momentum[1:],
        "bias1": 1 - _powers(columns["beta1"], t),
        "bias2": 1 - _powers(columns["beta2"], t),
    }


def _powers(bases: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Each base (runs,) to the power of each exponent (count, 1): (count, runs). Most runs have the same base."""
    if (bases == bases[0]).all():
        return np.repeat(bases[:1] ** exponents, len(bases), axis=1)
    distinct, which = np.unique(bases, return_inverse=True)
    return (distinct**exponents)[:, which]
