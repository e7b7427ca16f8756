"""A neuron is a logistic regression: a network without hidden layers is scikit-learn's model of that name."""

from __future__ import annotations

from workbench.claims import Arm, Claim, Identity

EVERY_RUN = Arm("network of depth 0")

CLAIMS = [
    Claim(
        id="A1",
        section="The model",
        statement=(
            "A network is made of logistic regressions, one behind the other: without hidden layers it is one, and "
            "training it leads to the weights and probabilities that logistic regression has."
        ),
        rule=Identity("logistic_weights_error", EVERY_RUN, 1e-4),
        also=(Identity("logistic_probability_error", EVERY_RUN, 1e-4),),
        remark="With a penalty, without which classes that can be told apart have no best weights.",
    )
]
