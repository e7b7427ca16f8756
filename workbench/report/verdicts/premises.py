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

if TYPE_CHECKING:
    import pandas as pd

LAST_SHARE = 0.1  # of the epochs: a best epoch within it means that training was still getting better


@dataclass(frozen=True)
class PremiseKind:
    """One row of PREMISES.

    `words` says what is asked of an arm, `{bound}` in it being the premise's bound, by default `bound`. `columns` are
    those of the runs that it reads. `fault` takes the arm's finished runs on the deciding seeds and the bound, and
    returns why the premise fails, "" if it holds. `every_run` asks that all of them finished, none diverged. `derived`
    computes, from the histories by epoch, columns that no run has: cell -> value by name.
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
    return "" if gain <= bound else f"in its last epochs its validation loss still fell by {_percent(gain)}"


def _rise(runs: pd.DataFrame) -> float:
    """By how much the validation loss at the end is over its best one: the median over the runs, as a share."""
    return float((runs["last_validation_loss"] / runs["best_validation_loss"] - 1).median())


def _not_overfitted(runs: pd.DataFrame, bound: float) -> str:
    rise = _rise(runs)
    return "" if rise > bound else f"its validation loss ends {_percent(rise)} over its best"


def _not_underfitted(runs: pd.DataFrame, bound: float) -> str:
    accuracy, rise = float(runs["last_train_accuracy"].mean()), _rise(runs)
    if not accuracy < bound:
        return f"its training accuracy is {_percent(accuracy)}"
    overfits = rise > PREMISES["overfits"].bound
    return f"it overfits: its validation loss ends {_percent(rise)} over its best" if overfits else ""


def _not_converged(runs: pd.DataFrame, bound: float) -> str:
    at = float((runs["best_epoch"] / runs["epochs"]).median())
    return "" if at < 1 - bound else f"its best epoch is, in the median, at {_percent(at)} of the budget"


def _collapsed(runs: pd.DataFrame, bound: float) -> str:
    count = int((runs["last_train_accuracy"] <= bound).sum())
    return f"{count} of {len(runs)} runs ended at a training accuracy of {_percent(bound)} or less" if count else ""


def _at_ceiling(runs: pd.DataFrame, bound: float) -> str:
    accuracy = float(runs["last_train_accuracy"].mean())
    return "" if accuracy < bound else f"its training accuracy is {_percent(accuracy)}"


def _busy(runs: pd.DataFrame, bound: float) -> str:
    share = float(runs["load_by_others"].mean())
    return "" if share <= bound else f"others used {_percent(share)} of the machine"


PREMISES = {
    "overfits": PremiseKind(
        "overfits (its validation loss ends more than {bound} over its best one, in the median)",
        ("last_validation_loss", "best_validation_loss"), _not_overfitted, 0.05,
    ),
    "underfits": PremiseKind(
        "underfits (its mean training accuracy ends under {bound}, and it does not overfit)",
        ("last_train_accuracy", "last_validation_loss", "best_validation_loss"), _not_underfitted, 0.95,
    ),
    "converged": PremiseKind(
        "has converged (no better epoch by validation loss in the last {bound} of its epochs, in the median)",
        ("best_epoch", "epochs"), _not_converged, LAST_SHARE,
    ),
    "levelled_off": PremiseKind(
        "has levelled off (its best validation loss fell by at most {bound} in the last tenth of its epochs, in the "
        "median)",
        ("late_gain",), _not_levelled, 0.01, derived=_late_gain,
    ),
    "not_collapsed": PremiseKind(
        "has no run that diverged, or whose training accuracy ended at {bound} or less",
        ("last_train_accuracy",), _collapsed, 0.2, every_run=True,
    ),
    "below_ceiling": PremiseKind(
        "leaves room above it (its mean training accuracy ends under {bound})",
        ("last_train_accuracy",), _at_ceiling, 0.95,
    ),
    "quiet": PremiseKind(
        "was timed on a quiet machine (others used at most {bound} of its processors meanwhile, in the mean)",
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
    return row.words.format(bound=_percent(row.bound if bound is None else bound))


def fault(kind: str, bound: float | None, runs: pd.DataFrame) -> str:
    """Why a premise fails of these runs of an arm on the deciding seeds; "" if it holds, or nothing has ended yet."""
    row = PREMISES[kind]
    done = runs[runs["outcome"] == "finished"]
    lost = int((runs["outcome"] == "diverged").sum())
    if row.every_run and lost:
        return f"{lost} of {len(runs)} runs diverged"
    if not len(done):
        return ""
    if absent := _absent(done, row.columns):
        return f"it cannot be checked, for its runs hold no {' or '.join(absent)}"
    return row.fault(done, row.bound if bound is None else bound)


def _absent(runs: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name not in runs or not np.isfinite(runs[name].astype(float)).all()]


def _percent(share: float) -> str:
    return f"{100 * share:.3g}{wording.SPACE}%"
