"""A5, attacked: one setting changed at a time, on seeds that decided nothing.

Expected before the run: it falls with 20 % wrong labels among those learned, by which networks are less sure of right
answers, and with inputs from 0 to 1, where 30 epochs leave them unsure; a larger budget, rate or width leaves it
standing.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Equivalence, NothingHeld, rows_of, varied

EPOCHS, SCALING, RATE, WIDTH, NOISE = (
    "training.epochs",
    "data.scaling",
    "optimizer.learning_rate",
    "network.width",
    "data.label_noise",
)
OWN = {EPOCHS: 30, SCALING: "standard", RATE: 0.1, WIDTH: 64, NOISE: 0.0}
RULE = Equivalence(
    metric="confidence_gap",
    measured=Arm("how sure it is less how often it is right", OWN),
    predicted=Arm("as sure as right", constant=0.0),
    tolerance=0.02,
    seeds=tuple(range(2000, 2012)),
)


def measure(tables: Any) -> pd.Series:
    """How sure a network is of its answers on test data, less how often they are right: at its last epoch."""
    try:
        rows = rows_of(tables, "reliability")
    except NothingHeld:
        return pd.Series(dtype=float)
    rows = rows[rows["when"] == "last"]
    return (rows["share"] * (rows["confidence"] - rows["accuracy"])).groupby(rows["cell"]).sum()


CLAIMS = [
    Claim(
        id="A5-attacked",
        section="Attacks",
        statement="A network is as sure of its answers as it is right, within 2 percentage points.",
        rule=RULE,
        vary=varied(
            RULE,
            {EPOCHS: (30, 300), SCALING: ("standard", "unit"), RATE: (0.1, 0.5), WIDTH: (64, 512), NOISE: (0.0, 0.2)},
        ),
        measure=measure,
    )
]
