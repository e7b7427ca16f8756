"""Vanishing gradients: with the sigmoid, deeper is worse on the training data; with ReLU it is not."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Paired

P_RULES_OF_THE_NOTES = 22  # Holm's correction runs over every claim of the notes that is decided by a paired difference


def _arm(activation: str, depth: int) -> Arm:
    return Arm(f"{activation}, depth {depth}", {"network.activation": activation, "network.depth": depth})


CLAIMS = [
    Claim(
        id="C4",
        section="Tips for deep learning, new activation function",
        statement=(
            "With the sigmoid, a network of 8 hidden layers ends with a lower training accuracy than one of a single "
            "hidden layer, by more than ReLU networks lose by the same step."
        ),
        rule=Paired(
            metric="last_train_accuracy",
            treatment=_arm("sigmoid", 8),
            baseline=_arm("sigmoid", 1),
            against=(_arm("relu", 8), _arm("relu", 1)),
            margin=0.05,
            direction="lower",
            seeds=tuple(range(12)),
            family=P_RULES_OF_THE_NOTES,
        ),
    )
]
