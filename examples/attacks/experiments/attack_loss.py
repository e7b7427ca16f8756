"""B1, attacked: one setting changed at a time, on seeds that decided nothing."""

from workbench.claims import Arm, Claim, Paired, varied

LOSS, EPOCHS, SCALING, DEPTH, BATCH = (
    "network.loss",
    "training.epochs",
    "data.scaling",
    "network.depth",
    "training.batch_size",
)
OWN = {EPOCHS: 10, SCALING: "standard", DEPTH: 3, BATCH: 32}
RULE = Paired(
    metric="last_train_accuracy",
    treatment=Arm("cross-entropy", OWN | {LOSS: "cross_entropy"}),
    baseline=Arm("squared error", OWN | {LOSS: "softmax_squared_error"}),
    margin=0.05,
    direction="higher",
    seeds=tuple(range(2000, 2012)),
    family=16,
)
CLAIMS = [
    Claim(
        id="B1-attacked",
        section="Attacks",
        statement="Cross-entropy is the loss for classes.",
        rule=RULE,
        vary=varied(RULE, {EPOCHS: (10, 40), SCALING: ("standard", "unit"), DEPTH: (3, 1), BATCH: (32, 8)}),
    )
]
