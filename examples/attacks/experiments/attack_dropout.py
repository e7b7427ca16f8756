"""D9, attacked: one setting changed at a time, on seeds that decided nothing."""

from dataclasses import replace

from workbench.claims import Arm, Claim, Paired, Variation, varied

RATE, EPOCHS, SCALING, LEARNING = "dropout.rate", "training.epochs", "data.scaling", "optimizer.learning_rate"
OWN = {EPOCHS: 40, SCALING: "standard", LEARNING: 0.1}
RULE = Paired(
    metric="last_test_accuracy",
    treatment=Arm("half dropped", OWN | {RATE: 0.5}),
    baseline=Arm("none dropped", OWN | {RATE: 0.0}),
    margin=0.005,
    direction="higher",
    seeds=tuple(range(2000, 2012)),
    family=16,
)
CLAIMS = [
    Claim(
        id="D9-attacked",
        section="Attacks",
        statement="Dropout makes the result on the test data better.",
        rule=RULE,
        vary=(
            *varied(RULE, {EPOCHS: (40, 10, 160), SCALING: ("standard", "unit"), LEARNING: (0.1, 0.3)}),
            Variation("epoch that is tested", "the last", "its best", replace(RULE, metric="best_test_accuracy")),
        ),
    )
]
