"""Softmax gives probabilities: they always sum to one, and come true as they say until the network overfits."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Identity, Paired
from workbench.report.notes import FAMILY

OVERFITTED = {"data.train_size": 200, "training.epochs": 100}

CLAIMS = [
    Claim(
        id="A5",
        section="The model, multi-class classifier",
        statement=(
            "Softmax turns the outputs into class probabilities: they sum to one; as often as they say they come true "
            "only until the network overfits, for at the end of a long training on few examples they are further off "
            "than at its best epoch."
        ),
        rule=Identity("last_probability_sum_error", Arm("every run"), 1e-6),
        also=(
            Paired(
                metric="last_calibration_error",
                treatment=Arm("epoch 100, 200 examples", OVERFITTED),
                baseline=Arm("its best epoch", OVERFITTED, metric="best_calibration_error"),
                margin=0.02,
                direction="higher",
                seeds=tuple(range(12)),
                family=FAMILY,
            ),
        ),
    )
]
