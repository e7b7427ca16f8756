"""ReLU is faster to compute than the sigmoid: the function itself, and a step of training."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, melted, runs


def _cheaper(metric: str) -> Paired:
    relu, sigmoid = (
        Arm(name, {"network.activation": name}, averaged_over=("network.width",)) for name in ("relu", "sigmoid")
    )
    return Paired(metric, relu, sigmoid, margin=0.0, direction="lower", seeds=tuple(range(12)), family=FAMILY)


CLAIMS = [
    Claim(
        id="C9",
        section="Tips for deep learning, ReLU",
        statement=(
            "ReLU takes less time to compute than the sigmoid: the function with its derivative by itself, and a whole "
            "step of training with it."
        ),
        rule=_cheaper("elementwise_log10_seconds"),
        also=(_cheaper("step_log10_seconds"),),
    )
]

PARTS = {"elementwise_log10_seconds": "function and derivative", "step_log10_seconds": "whole step"}


def microseconds(tables: Any) -> pd.DataFrame:
    """Microseconds by activation, of the function and of a step, by width."""
    columns = ("network.width", "network.activation", *PARTS)
    frame = melted(runs(*columns)(tables), PARTS, "part", "log10_seconds")
    widths = frame["part"] + ", width " + frame["network.width"].map("{:g}".format)
    return frame.assign(panel=widths, microseconds=1e6 * 10.0 ** frame["log10_seconds"])[
        ["panel", "network.activation", "microseconds", "seed"]
    ]


FIGURES = [
    Figure(
        "Microseconds by activation function",
        "Minibatches of 128 examples, two hidden layers, NumPy on one core.",
        microseconds,
        Lines("network.activation", "microseconds"),
        panels="panel",
    )
]
