"""ReLU is faster to compute than the sigmoid: the function itself, and a step of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Lines, Paired, Premise, melted, runs

A_TENTH = float(np.log10(1.1))


def _cheaper(metric: str) -> Paired:
    relu, sigmoid = (
        Arm(name, {"network.activation": name}, averaged_over=("network.width",)) for name in ("relu", "sigmoid")
    )
    return Paired(
        metric, relu, sigmoid, margin=A_TENTH, direction="lower", seeds=tuple(range(12)), family=FAMILY,
        premises=(Premise("quiet"),),
    )  # fmt: skip


CLAIMS = [
    Claim(
        id="C9",
        section="Tips for deep learning, ReLU",
        statement="ReLU takes less time to compute than the sigmoid: the function with its derivative.",
        rule=_cheaper("elementwise_log10_seconds"),
        tuned=_cheaper("step_log10_seconds"),
        condition="of the function by itself, which is a small part of a whole step of training",
        remark=(
            "An earlier form asked for any difference at all, of the function and of a whole step together, and "
            "repeated it within one process; it came out reproduced. Now each repetition is a process, a tenth of the "
            "time is the least that matters, the step is another setting of the question, and nothing is decided on a "
            "busy machine."
        ),
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
