"""Premises: what must be true of the runs before a rule may decide anything.

A rule that says "dropout helps a net that overfits" says nothing of a net that does not. A premise is part of the rule,
and of its digest; if it fails the verdict is withheld, with the reason in words. One row of PREMISES a premise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.report import wording
from workbench.report.language.words import joined, say

if TYPE_CHECKING:
    import pandas as pd

LAST_SHARE = 0.1  # of the epochs: a best epoch within it means that training was still getting better


@dataclass(frozen=True)
class PremiseKind:
    """One row of PREMISES.

    `words` is the key of what is asked of an arm, `{bound}` in it being the premise's bound, by default `bound`.
    `columns` are those of the runs that it reads. `fault` takes the arm's finished runs on the deciding seeds and the
    bound, and returns why the premise fails, "" if it holds. `every_run` asks that all of them finished, none diverged.
    `derived` computes, from the histories by epoch, columns that no run has: cell -> value by name.
    """

    words: str
    columns: tuple[str, ...]
    fault: Callable[[pd.DataFrame, float], str]
    bound: float
    every_run: bool = False
    derived: Callable[[pd.DataFrame], Mapping[str, pd.Series]] | None = None


def _late_gain(epochs: pd.DataFrame) -> Mapping[str, pd.Series]:
    """`late_gain`: by what share the best validation loss fell in the last tenth of a run's epochs."""
    rows = epochs.dropna(subset=["validation_loss"])
    last = rows.groupby("cell")["epoch"].transform("max")
    best = rows.groupby("cell")["validation_loss"].min()
    before = rows[rows["epoch"] <= last * (1 - LAST_SHARE)].groupby("cell")["validation_loss"].min()
    return {"late_gain": 1 - best / before}


def _not_levelled(runs: pd.DataFrame, bound: float) -> str:
    gain = float(runs["late_gain"].median())
    return "" if gain <= bound else say("premise.still_falling", gain=_percent(gain))


def _rise(runs: pd.DataFrame) -> float:
    """By how much the validation loss at the end is over its best one: the median over the runs, as a share."""
    return float((runs["last_validation_loss"] / runs["best_validation_loss"] - 1).median())


def _not_overfitted(runs: pd.DataFrame, bound: float) -> str:
    rise = _rise(runs)
    return "" if rise > bound else say("premise.over_its_best", rise=_percent(rise))


def _not_underfitted(runs: pd.DataFrame, bound: float) -> str:
    accuracy, rise = float(runs["last_train_accuracy"].mean()), _rise(runs)
    if not accuracy < bound:
        return say("premise.training_accuracy", accuracy=_percent(accuracy))
    overfits = rise > PREMISES["overfits"].bound
    return say("premise.it_overfits", rise=_percent(rise)) if overfits else ""


def _not_converged(runs: pd.DataFrame, bound: float) -> str:
    at = float((runs["best_epoch"] / runs["epochs"]).median())
    return "" if at < 1 - bound else say("premise.best_epoch", at=_percent(at))


def _collapsed(runs: pd.DataFrame, bound: float) -> str:
    count = int((runs["last_train_accuracy"] <= bound).sum())
    return say("premise.collapsed", count=count, runs=len(runs), bound=_percent(bound)) if count else ""


def _at_ceiling(runs: pd.DataFrame, bound: float) -> str:
    accuracy = float(runs["last_train_accuracy"].mean())
    return "" if accuracy < bound else say("premise.training_accuracy", accuracy=_percent(accuracy))


def _busy(runs: pd.DataFrame, bound: float) -> str:
    share = float(runs["load_by_others"].mean())
    return "" if share <= bound else say("premise.busy", share=_percent(share))


PREMISES = {
    "overfits": PremiseKind(
        "premise.overfits",
        ("last_validation_loss", "best_validation_loss"), _not_overfitted, 0.05,
    ),
    "underfits": PremiseKind(
        "premise.underfits",
        ("last_train_accuracy", "last_validation_loss", "best_validation_loss"), _not_underfitted, 0.95,
    ),
    "converged": PremiseKind(
        "premise.converged",
        ("best_epoch", "epochs"), _not_converged, LAST_SHARE,
    ),
    "levelled_off": PremiseKind(
        "premise.levelled_off",
        ("late_gain",), _not_levelled, 0.01, derived=_late_gain,
    ),
    "not_collapsed": PremiseKind(
        "premise.not_collapsed",
        ("last_train_accuracy",), _collapsed, 0.2, every_run=True,
    ),
    "below_ceiling": PremiseKind(
        "premise.below_ceiling",
        ("last_train_accuracy",), _at_ceiling, 0.95,
    ),
    "quiet": PremiseKind(
        "premise.quiet",
        ("load_by_others",), _busy, 0.15,
    ),
}  # fmt: skip


def with_derived(runs: pd.DataFrame, epochs: pd.DataFrame, kinds: Iterable[str]) -> pd.DataFrame:
    """The runs with the columns that these premises derive from the histories by epoch."""
    found: dict[str, pd.Series] = {}
    for kind in dict.fromkeys(kinds):
        derived = PREMISES[kind].derived
        if derived is not None and {"cell", "epoch", "validation_loss"} <= set(epochs):
            found |= {name: runs["cell"].map(column) for name, column in derived(epochs).items()}
    return runs.assign(**found)


def in_words(kind: str, bound: float | None) -> str:
    """What a premise asks of an arm."""
    row = PREMISES[kind]
    return say(row.words, bound=_percent(row.bound if bound is None else bound))


def fault(kind: str, bound: float | None, runs: pd.DataFrame) -> str:
    """Why a premise fails of these runs of an arm on the deciding seeds; "" if it holds, or nothing has ended yet."""
    row = PREMISES[kind]
    done = runs[runs["outcome"] == "finished"]
    lost = int((runs["outcome"] == "diverged").sum())
    if row.every_run and lost:
        return say("premise.diverged", lost=lost, runs=len(runs))
    if not len(done):
        return ""
    if absent := _absent(done, row.columns):
        return say("premise.cannot_be_checked", names=joined(absent, " or ", "、"))
    return row.fault(done, row.bound if bound is None else bound)


def _absent(runs: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name not in runs or not np.isfinite(runs[name].astype(float)).all()]


def _percent(share: float) -> str:
    return f"{100 * share:.3g}{wording.SPACE}%"
