"""A regularizer makes the function smoother: how steep the logits are, where the training loss is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.report.claims import Arm, Claim, Paired
from workbench.report.notes import FAMILY

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

MATCHED = 0.05  # training loss, without the penalty, at which the arms are compared
METRIC = "matched_log_jacobian"


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
        treatment=Arm(arm.upper(), {"arm": arm}),
        baseline=Arm("no penalty", {"arm": "none"}),
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
