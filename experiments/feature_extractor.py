"""Hidden layers extract features: a linear classifier reads the classes off them more easily."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, table

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


DATASETS = {"digits": [], "mnist": ["data.train_size=1200", "data.validation=0.02"]}
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


def probes(tables: Any) -> pd.DataFrame:
    """Accuracy by layer; the inputs, layer 0, belong to both networks."""
    rows = table("linear_probes")(tables).rename(columns={"accuracy": "test_accuracy"})
    shared = rows[rows["layer"] == 0].assign(network="untrained")
    return pd.concat([rows, shared], ignore_index=True)


FIGURES = [
    Figure(
        "What a linear classifier reads off each layer",
        "Test accuracy of logistic regression on the pixels (layer 0) and on each hidden layer, trained and untrained.",
        probes,
        Lines("layer", "test_accuracy", by="network"),
    )
]
