"""Dropout when testing: all units, weights times 1 - p, instead of an average over masks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Equivalence, Figure, Identity, Lines, table

HALF = {"arm": "trained", "dropout.rate": 0.5}


def _like_the_average(kind: str, tolerance: float) -> Equivalence:
    return Equivalence(
        metric=f"scaled_test_{kind}",
        measured=Arm("weights times 1 - p", HALF),
        predicted=Arm("average over 100 masks", HALF, metric=f"monte_carlo_test_{kind}"),
        tolerance=tolerance,
        seeds=tuple(range(12)),
    )


CLAIMS = [
    Claim(
        id="D10",
        section="Tips for deep learning, dropout",
        statement=(
            "When testing, all units are used and all weights multiplied by 1 - p: that stands for the average over "
            "the networks that dropout has trained, in accuracy and in likelihood; with one hidden layer it is their "
            "geometric average exactly."
        ),
        rule=_like_the_average("accuracy", 0.005),
        also=(
            _like_the_average("loss", 0.03),
            Identity("geometric_average_error", Arm("one hidden layer, all masks", {"arm": "all masks"}), 1e-6),
        ),
        slip=(
            "Each layer's weights are scaled by the rate of the units they read, and biases not at all. The notes' p "
            "is the share that is dropped; papers often give the share that is kept."
        ),
    )
]


def masks(tables: Any) -> pd.DataFrame:
    """Test loss by the number of masks averaged; scaled and unscaled weights stand level beside them."""
    rows = table("monte_carlo", "dropout.rate", where=lambda runs: runs["arm"] == "trained")(tables)
    averaged = rows[rows["form"] == "monte_carlo"]
    counts = averaged[["samples"]].drop_duplicates()
    level = rows[rows["form"] != "monte_carlo"].drop(columns="samples").merge(counts, how="cross")
    words = {"monte_carlo": "average over masks", "scaled": "weights times 1 - p", "unscaled": "weights not scaled"}
    frame = pd.concat([averaged, level])
    rates = frame["dropout.rate"].map("p = {:g}".format)
    return frame.assign(form=frame["form"].map(words), dropped=rates).drop(columns="dropout.rate")


FIGURES = [
    Figure(
        "Test loss by the number of masks averaged",
        "The average over random masks falls with their number; scaled weights take one pass. On a logarithmic axis.",
        lambda tables: masks(tables).drop(columns="accuracy").rename(columns={"loss": "test_loss"}),
        Lines("samples", "test_loss", by="form", log_x=True, log_y=True),
        panels="dropped",
    ),
    Figure(
        "Test accuracy by the number of masks averaged",
        "The three hardly differ in accuracy.",
        lambda tables: masks(tables).drop(columns="loss").rename(columns={"accuracy": "test_accuracy"}),
        Lines("samples", "test_accuracy", by="form", log_x=True),
        panels="dropped",
    ),
]
