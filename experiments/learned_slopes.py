"""Parametric ReLU: the slope left of zero is learned by gradient descent like any weight."""

from __future__ import annotations

from workbench.claims import FAMILY, Arm, Claim, Figure, Identity, Lines, Paired, table

DATASETS: dict[str, list[str]] = {"digits": [], "breast_cancer": []}
CLAIMS = [
    Claim(
        id="C13",
        section="Tips for deep learning, leaky and parametric ReLU",
        statement=(
            "The slopes of parametric ReLU are learned by gradient descent: training moves them from where they start."
        ),
        rule=Paired(
            metric="slope_distance",
            treatment=Arm("after training", {"arm": "trained"}),
            baseline=Arm("at the start", constant=0.0),
            margin=0.02,
            direction="higher",
            seeds=tuple(range(12)),
            family=FAMILY,
        ),
        also=(Identity("slope_gradient_error", Arm("gradient check", {"arm": "gradient check"}), 1e-6),),
    )
]

FIGURES = [
    Figure(
        "Where the slopes went",
        "Mean slope of each hidden layer after training, one faint line a seed; all started at the line, 0.01.",
        table("learned_slopes"),
        Lines("layer", "slope", guides=(0.01,)),
    )
]
