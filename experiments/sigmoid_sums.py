"""Shifted sigmoids add up to ReLU: in the limit, and only if they grow steeper on the way."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Figure, Identity, Lines, melted, table

CLOSEST = Arm("shifts 1/256 apart")

CLAIMS = [
    Claim(
        id="C10",
        section="Tips for deep learning, ReLU",
        statement="Infinitely many sigmoids that differ in their bias alone add up to ReLU.",
        rule=Identity("fixed_sigmoids_gap", CLOSEST, 0.01),
        tuned=Identity("steeper_sigmoids_gap", CLOSEST, 0.01),
        condition="the slopes have to grow as the shifts get closer",
        slip=(
            "The notes let the sigmoids differ in their bias alone; their sum then tends to softplus, ln 2 above ReLU "
            "at zero, however close the shifts."
        ),
    )
]

SUMS = {
    "steeper_to_relu": "growing slopes, to ReLU",
    "fixed_to_relu": "fixed slopes, to ReLU",
    "fixed_to_softplus": "fixed slopes, to softplus",
}


CURVES = {"relu": "ReLU", "steeper": "growing slopes", "fixed": "fixed slopes"}


def sums(tables: Any) -> pd.DataFrame:
    """The sums themselves, by their slopes and how close their shifts are, beside ReLU."""
    rows = table("sums_of_sigmoids")(tables)
    apart = rows["spacing"].map(lambda spacing: f", shifts {Fraction(spacing)} apart" if spacing else "")
    return rows.assign(curve=rows["curve"].map(CURVES) + apart)[["curve", "x", "sum"]]


FIGURES = [
    Figure(
        "Sums of shifted sigmoids against ReLU",
        "As the shifts get closer, sigmoids whose slopes grow with them come to lie on ReLU; with slopes that stay, "
        "the sum lies ln 2 above it at zero.",
        sums,
        Lines("x", "sum", by="curve"),
        size=(440, 260),
        opens=True,
    ),
    Figure(
        "Largest distance of the sum, by how close the shifts are",
        "Sigmoids as steep as their shifts are close tend to ReLU; sigmoids that stay as they are tend to softplus.",
        lambda tables: melted(table("shifted_sigmoids")(tables), SUMS, "sum", "distance"),
        Lines("spacing", "distance", by="sum", log_x=True, log_y=True),
    ),
]
