"""D1, attacked: one setting changed at a time, on seeds that decided nothing."""

from workbench.claims import Arm, Claim, Paired, varied

EPOCHS, SCALING, LEARNING = "training.epochs", "data.scaling", "optimizer.learning_rate"
OWN = {EPOCHS: 60, SCALING: "standard", LEARNING: 0.1}
RULE = Paired(
    metric="best_test_accuracy",
    treatment=Arm("stopped at the best validation loss", OWN),
    baseline=Arm("trained to the end", OWN, metric="last_test_accuracy"),
    margin=0.005,
    direction="higher",
    seeds=tuple(range(2000, 2012)),
    family=16,
)
CLAIMS = [
    Claim(
        id="D1-attacked",
        section="Attacks",
        statement="Stopping early improves the result on the test data.",
        rule=RULE,
        vary=varied(RULE, {EPOCHS: (60, 15, 240), SCALING: ("standard", "unit"), LEARNING: (0.1, 0.03)}),
    )
]
