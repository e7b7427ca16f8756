"""Backpropagation is efficient: a gradient by every weight for about twice the price of a forward pass."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Figure, Identity, Lines, melted, runs

CLAIMS = [
    Claim(
        id="B3",
        section="Backpropagation",
        statement=(
            "A backward pass gives the derivatives by all weights for 1.5 to 3 times what a forward pass costs, "
            "whatever their number, where a finite difference for each weight costs as many forward passes as there "
            "are weights."
        ),
        rule=Identity("backward_ratio_from_middle", Arm("every width"), 0.75),
        remark="The number that is judged is the distance of the ratio backward / forward from 2.25.",
    )
]

COSTS = {"backward_over_forward": "backward pass", "finite_differences_over_forward": "finite differences"}


def costs(tables: Any) -> pd.DataFrame:
    """What a whole gradient costs, in forward passes."""
    return melted(runs("parameters", *COSTS)(tables), COSTS, "by", "forward_passes")


FIGURES = [
    Figure(
        "What a gradient costs, in forward passes",
        "By the number of parameters: a backward pass, and one finite difference for every parameter.",
        costs,
        Lines("parameters", "forward_passes", by="by", log_x=True, log_y=True),
    ),
    Figure(
        "The backward pass over the forward pass",
        "By the number of parameters; the claim is 1.5 to 3. The first layer passes nothing on, which saves a product.",
        runs("parameters", "backward_over_forward"),
        Lines("parameters", "backward_over_forward", log_x=True, guides=(1.5, 3.0)),
    ),
]
