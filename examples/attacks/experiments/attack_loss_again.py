"""B1, attacked: the scaling that `attack_loss` left open, on as many new seeds as it planned, and with more epochs."""

from workbench.claims import Arm, Claim, Paired, varied

LOSS, EPOCHS = "network.loss", "training.epochs"
RULE = Paired(
    metric="last_train_accuracy",
    treatment=Arm("cross-entropy", {EPOCHS: 10, LOSS: "cross_entropy"}),
    baseline=Arm("squared error", {EPOCHS: 10, LOSS: "softmax_squared_error"}),
    margin=0.05,
    direction="higher",
    seeds=tuple(range(3000, 3036)),
    family=18,
)
CLAIMS = [
    Claim(
        id="B1-attacked-again",
        section="Attacks",
        statement="With inputs from 0 to 1, cross-entropy is the loss for classes.",
        rule=RULE,
        vary=varied(RULE, {EPOCHS: (10, 40)}),
    )
]
