"""Hidden layers extract features: a linear classifier reads the classes off them more easily."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Paired
from workbench.report.notes import FAMILY

SEEDS = tuple(range(30))  # a small effect
TRAINED = Arm("last hidden layer, trained")


def _beats(label: str, metric: str) -> Paired:
    return Paired(
        metric="linear_probe_trained",
        treatment=TRAINED,
        baseline=Arm(label, metric=metric),
        margin=0.005,
        direction="higher",
        seeds=SEEDS,
        family=FAMILY,
    )


CLAIMS = [
    Claim(
        id="A4",
        section="The model, feature extractor",
        statement=(
            "Hidden layers extract features: a linear classifier on the last of them is right more often on test data "
            "than one on the pixels themselves, and than one on the same layer before training."
        ),
        rule=_beats("the pixels", "linear_probe_inputs"),
        also=(_beats("last hidden layer, untrained", "linear_probe_untrained"),),
    )
]
