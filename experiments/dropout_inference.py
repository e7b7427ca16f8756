"""Dropout when testing: all units, weights times 1 - p, instead of an average over masks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Equivalence, Figure, Identity, Lines, table, varied

HALF = {"arm": "trained", "dropout.rate": 0.5}


AVERAGES = {"monte_carlo": "average over 100 masks", "geometric": "geometric average over 100 masks"}
TOLERANCES = {"accuracy": 0.005, "loss": 0.03}


def _like_the_average(kind: str, average: str) -> Equivalence:
    return Equivalence(
        metric=f"scaled_test_{kind}",
        measured=Arm("weights times 1 - p", HALF),
        predicted=Arm(AVERAGES[average], HALF, metric=f"{average}_test_{kind}"),
        tolerance=TOLERANCES[kind],
        seeds=tuple(range(200, 230)),
    )


LOSS = _like_the_average("loss", "monte_carlo")
DATASETS: dict[str, list[str]] = {"digits": [], "breast_cancer": []}
CLAIMS = [
    Claim(
        id="D10",
        section="Tips for deep learning, dropout",
        statement=(
            "When testing, all units are used and all weights multiplied by 1 - p: that stands for the average over "
            "the networks that dropout has trained, arithmetic or geometric, in likelihood and in accuracy; with one "
            "hidden layer it is their geometric average exactly."
        ),
        rule=LOSS,
        also=(
            _like_the_average("accuracy", "monte_carlo"),
            _like_the_average("loss", "geometric"),
            _like_the_average("accuracy", "geometric"),
            Identity("geometric_average_error", Arm("one hidden layer, all masks", {"arm": "all masks"}), 1e-6),
        ),
        slip=(
            "Each layer's weights are scaled by the rate of the units they read, and biases not at all. The notes' p "
            "is the share that is dropped; papers often give the share that is kept."
        ),
        vary=varied(LOSS, {"dropout.rate": (0.5, 0.2)}),
        remark=(
            "An earlier form compared with the arithmetic average alone, on seeds 0 to 11, and came out inconclusive. "
            "Scaled weights are the geometric average exactly where there is one hidden layer, so that is asked too, "
            "of networks of two. Tolerances are as they were; seeds are new."
        ),
    )
]


def masks(tables: Any) -> pd.DataFrame:
    """Test loss by the number of masks averaged; scaled and unscaled weights stand level beside them."""
    rows = table("monte_carlo", "dropout.rate", where=lambda runs: runs["arm"] == "trained")(tables)
    averaged = rows[rows["form"] == "monte_carlo"]
    counts = averaged[["samples"]].drop_duplicates()
    level = rows[rows["form"] != "monte_carlo"].drop(columns="samples").merge(counts, how="cross")
    words = {
        "monte_carlo": "average over masks",
        "scaled": "weights times 1 - p",
        "unscaled": "weights not scaled",
        "geometric": "geometric average",
    }
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
