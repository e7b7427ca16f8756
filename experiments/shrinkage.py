"""What a penalty alone does to a weight: L1 takes a constant, L2 a share."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Figure, Identity, Lines, melted, table

SGD = Arm("plain gradient descent", {"optimizer": "sgd"})
ADAM = Arm("Adam", {"optimizer": "adam"})

CLAIMS = [
    Claim(
        id="D4",
        section="Tips for deep learning, L1",
        statement="L1 takes the same amount, eta lambda, off the size of every weight at every update.",
        rule=Identity("l1_constant_error", SGD, 1e-6),
        slip=(
            "The notes write L1 with a factor 1/2 in the loss and without it in the gradient; it is lambda times the "
            "sum of the sizes. A weight smaller than eta lambda is carried over zero."
        ),
    ),
    Claim(
        id="D5",
        section="Tips for deep learning, L2",
        statement="L2 multiplies every weight by 1 - eta lambda at every update: weight decay.",
        rule=Identity("l2_decay_error", SGD, 1e-6),
        tuned=Identity("l2_decay_error", ADAM, 1e-6),
        condition="under plain gradient descent; Adam rescales the penalty's gradient away",
        slip="The notes write the sum of squares as the norm, and square it again. Biases are not penalised.",
    ),
    Claim(
        id="D6",
        section="Tips for deep learning, L1 against L2",
        statement=(
            "Large weights shrink faster under L2 and small ones under L1; they shrink alike at the ratio of the two "
            "lambdas."
        ),
        rule=Identity("crossover_error", SGD, 1e-6),
    ),
]

PENALTIES = {"lost_by_l1": "L1", "lost_by_l2": "L2"}


def lost(tables: Any) -> pd.DataFrame:
    """What is taken from weights of every size, where something is."""
    rows = table("shrinkage", where=lambda runs: runs["optimizer"] == "sgd")(tables)
    frame = melted(rows, PENALTIES, "penalty", "lost")
    return frame[frame["lost"] > 0]


FIGURES = [
    Figure(
        "What a weight loses in one update, by its size",
        "L1 takes a constant, L2 a share: they cross at the ratio of the two lambdas. Plain gradient descent; weights "
        "so small that L1 carries them over zero lose less, or grow: they are not drawn.",
        lost,
        Lines("size", "lost", by="penalty", log_x=True, log_y=True),
    )
]
