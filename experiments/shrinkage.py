"""What a penalty alone does to a weight: L1 takes a constant, L2 a share."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Identity

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
