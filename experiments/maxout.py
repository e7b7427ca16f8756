"""Maxout: an activation function learned from the data, at an equal number of parameters."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, Tuning

RATE = "optimizer.learning_rate"
LABELS = {
    "relu_8970_parameters": "ReLU, 8,970 parameters",
    "maxout_2_pieces_8890_parameters": "maxout of 2, 8,890 parameters",
    "maxout_5_pieces_8865_parameters": "maxout of 5, 8,865 parameters",
}
CLAIMS = [
    Claim(
        id="C14",
        section="Tips for deep learning, new activation function: maxout",
        statement="Maxout learns its own activation function from the data, and tests better for it than ReLU.",
        rule=Paired(
            metric="best_test_accuracy",
            treatment=Arm("maxout of 2 pieces", {"arm": "maxout_2_pieces_8890_parameters"}),
            baseline=Arm("ReLU", {"arm": "relu_8970_parameters"}),
            margin=0.005,
            direction="higher",
            seeds=tuple(range(30)),
            tuning=Tuning((RATE,), tuple(range(100, 106))),
            family=FAMILY,
        ),
        remark=(
            "That maxout can take the shape of other activations is exact, and decided elsewhere; here it must "
            "pay, at an equal number of parameters and each at its own best rate. In a first run the grid ended at "
            "0.3, the best rate of maxout; it was extended, as the rule of fair tuning asks, which left the "
            "deciding seeds as they were. Sizes and epochs come from a pilot on seeds of 1000 and up, which decide "
            "nothing."
        ),
    )
]


def by_rate(tables: Any) -> pd.DataFrame:
    """Test accuracy of the three networks by learning rate."""
    done = tables.runs[tables.runs["outcome"] == "finished"]
    return done.assign(network=done["arm"].map(LABELS))[["network", RATE, "best_test_accuracy", "seed"]]


FIGURES = [
    Figure(
        "Test accuracy by learning rate",
        "At the epoch with the best validation loss, every seed; three networks with about as many parameters.",
        by_rate,
        Lines(RATE, "best_test_accuracy", by="network", log_x=True),
    )
]
