"""A regularizer makes the function smoother: how steep the logits are, where the training loss is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MATCHED = 0.05  # training loss, without the penalty, at which the arms are compared
METRIC = "matched_log_jacobian"
EPOCHS = ("training.epochs",)


def matched(tables: SweepTables) -> pd.Series:
    """The mean ln of the Jacobian's norm at the training loss `MATCHED`, of each arm and seed, for all of its cells.

    Read off by straight lines over ln loss between the numbers of epochs; NaN where training does not reach it.
    """
    found = {}
    for _, cells in tables.runs.groupby(["arm", "seed"]):
        path = cells.sort_values("last_train_loss")
        losses, steepness = np.log(path["last_train_loss"].to_numpy(float)), path["test_log_jacobian"].to_numpy(float)
        value = np.interp(np.log(MATCHED), losses, steepness, left=np.nan, right=np.nan)
        found |= dict.fromkeys(cells["cell"], float(value))
    return pd.Series(found)


def _smoother(arm: str) -> Paired:
    return Paired(
        metric=METRIC,
        treatment=Arm(arm.upper(), {"arm": arm}, averaged_over=EPOCHS),  # all cells of a seed hold the value read off
        baseline=Arm("no penalty", {"arm": "none"}, averaged_over=EPOCHS),
        margin=float(np.log(1.05)),
        direction="lower",
        seeds=tuple(range(12)),
        family=FAMILY,
    )


CLAIMS = [
    Claim(
        id="D3",
        section="Tips for deep learning, regularization",
        statement=(
            "A regularizer makes the function smoother: at the same training loss the logits of a network trained with "
            "L2, or with L1, depend less steeply on the inputs."
        ),
        rule=_smoother("l2"),
        also=(_smoother("l1"),),
        measure=matched,
        slip="The notes write the sum of squares as the norm, and square it again; it is the squared norm.",
        remark="The norm of the Jacobian on test data is a weak proxy of smoothness.",
    )
]


def paths(tables: SweepTables) -> pd.DataFrame:
    """Steepness over training loss, means over seeds, one point for every number of epochs."""
    runs = tables.runs[tables.runs["outcome"] == "finished"]
    means = runs.groupby(["arm", "training.epochs"], sort=False)[["last_train_loss", "test_log_jacobian"]].mean()
    frame = means.reset_index().rename(columns={"last_train_loss": "training_loss"})
    names = {"none": "no penalty", "l1": "L1", "l2": "L2"}
    return frame.assign(penalty=frame["arm"].map(names), jacobian=np.exp(frame["test_log_jacobian"]))[
        ["penalty", "training_loss", "jacobian"]
    ]


FIGURES = [
    Figure(
        "How steep the logits are, by training loss",
        "Norm of the Jacobian on test data (geometric mean) over the training loss, after 5 to 80 epochs from right to "
        "left; the rule reads it off at a loss of 0.05.",
        paths,
        Lines("training_loss", "jacobian", by="penalty", log_x=True),
    )
]
