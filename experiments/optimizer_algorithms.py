"""The optimizers as their formulas have them: what Adagrad and RMSProp remember, momentum unrolled, Adam by line."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Figure, Identity, Lines, table

MEMORY, MOMENTUM, ADAM = (Arm(arm, {"arm": arm}) for arm in ("memory", "momentum", "adam"))

CLAIMS = [
    Claim(
        id="C17",
        section="Tips for deep learning, RMSProp",
        statement=(
            "Adagrad divides by the root of all squared gradients so far, RMSProp by that of their fading mean, which "
            "forgets the faster the smaller its alpha is."
        ),
        rule=Identity("rmsprop_memory_error", MEMORY, 1e-9),
        also=(Identity("adagrad_memory_error", MEMORY, 1e-9),),
        slip=(
            "The notes call Adagrad's denominator an average; it is the root of the sum of squares. They give RMSProp "
            "neither a value to start from nor an epsilon, without which a gradient that has always been 0 is divided "
            "by 0."
        ),
    ),
    Claim(
        id="C21",
        section="Tips for deep learning, momentum",
        statement=(
            "A movement with momentum is the sum of all gradients so far, each weighted with lambda once for every "
            "step since."
        ),
        rule=Identity("momentum_unrolled_error", MOMENTUM, 1e-12),
        slip="The notes list momentum under adaptive learning rates; it does not adapt one.",
    ),
    Claim(
        id="C22",
        section="Tips for deep learning, Adam",
        statement=(
            "Adam joins RMSProp and momentum: it follows its published algorithm, and without the one it is the other."
        ),
        rule=Identity("adam_error", ADAM, 1e-12),
        also=(
            Identity("adam_without_momentum_error", ADAM, 1e-12),
            Identity("adam_without_squares_error", ADAM, 1e-12),
        ),
        slip="Adam is not literally the two together: it also corrects both averages for their start at zero.",
        remark="The two limits are taken without that correction.",
    ),
]


def memories(tables: Any) -> pd.DataFrame:
    """Effective steps; Adagrad, which has no alpha, once."""
    rows = table("optimizer_memory", "optimizer.alpha")(tables)
    names = rows["optimizer.alpha"].map("RMSProp, alpha {:g}".format).where(rows["optimizer"] == "rmsprop", "Adagrad")
    rows = rows.assign(optimizer=names).drop_duplicates(["optimizer", "step"])
    return rows[["optimizer", "step", "effective_step"]]


FIGURES = [
    Figure(
        "How the optimizers forget",
        "Update over gradient, step by step; at step 101 the gradient becomes ten times as large. RMSProp settles as "
        "fast as its alpha lets it, Adagrad keeps slowing down.",
        memories,
        Lines("step", "effective_step", by="optimizer", log_y=True),
    )
]
