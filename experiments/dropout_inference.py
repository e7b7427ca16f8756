"""Dropout when testing: all units, weights times 1 - p, instead of an average over masks."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Equivalence, Identity

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
