"""Which loss for classes: cross-entropy against squared error on the softmax."""

from __future__ import annotations

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, Tuning, runs

RATE, LOSS = "optimizer.learning_rate", "network.loss"
DATASETS = {"digits": [], "mnist": ["data.train_size=1200", "data.validation=0.02"]}
CLAIMS = [
    Claim(
        id="B1",
        section="Finding a good function: the loss",
        statement=(
            "Cross-entropy is the loss for classes: a deep sigmoid network fits its training data better by it "
            "than by the squared error."
        ),
        rule=Paired(
            metric="last_train_accuracy",
            treatment=Arm("cross-entropy", {LOSS: "cross_entropy"}),
            baseline=Arm("squared error", {LOSS: "softmax_squared_error"}),
            margin=0.05,
            direction="higher",
            seeds=tuple(range(12)),
            tuning=Tuning((RATE,), tuple(range(100, 104)), "best_validation_accuracy", "higher"),
            family=FAMILY,
        ),
        slip=(
            "The notes write the loss under a softmax in its two-class form. Here it is the multi-class one: the "
            "sum over the classes of -target * ln(y)."
        ),
        remark=(
            "The grid of rates was widened by a pilot on seeds 1000 and 1001, until neither loss was best at an end."
        ),
    )
]
FIGURES = [
    Figure(
        "Training accuracy by learning rate",
        "At the last epoch, every seed. The gradient of the squared error through a softmax is small where the "
        "network is wrong, so it needs a larger rate; the verdict compares each loss at its own best one.",
        runs(LOSS, RATE, "last_train_accuracy"),
        Lines(RATE, "last_train_accuracy", by=LOSS, log_x=True, guides=(0.1,)),
    )
]
