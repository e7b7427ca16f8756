"""C18, attacked: one setting changed at a time, on seeds that decided nothing.

Expected before the run: inputs from 0 to 1 leave it standing. 60 epochs do not: Adagrad's steps shrink, which settles
it where RMSProp's noise stays, so that the difference is open or turns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import Arm, Claim, Paired, Tuning, varied

EPOCHS, SCALING = "training.epochs", "data.scaling"
OWN = {EPOCHS: 15, SCALING: "standard"}
RULE = Paired(
    metric="log10_train_loss",
    treatment=Arm("RMSProp", OWN | {"optimizer": "rmsprop"}),
    baseline=Arm("Adagrad", OWN | {"optimizer": "adagrad"}),
    margin=0.1,
    direction="lower",
    seeds=tuple(range(2000, 2012)),
    tuning=Tuning(("optimizer.learning_rate",), tuple(range(2100, 2112)), "last_train_loss", "lower", by_seed=1),
    family=9,
)


def measure(tables: Any) -> pd.Series:
    """log10 of the training loss after the last epoch, in evaluation mode."""
    runs = tables.runs.set_index("cell")
    loss = runs["last_train_loss"].astype(float)
    return np.log10(loss.where(loss > 0))


CLAIMS = [
    Claim(
        id="C18-attacked",
        section="Attacks",
        statement="RMSProp is an improvement on Adagrad: with the same epochs it reaches a lower training loss.",
        rule=RULE,
        vary=varied(RULE, {EPOCHS: (15, 60), SCALING: ("standard", "unit")}),
        measure=measure,
    )
]
