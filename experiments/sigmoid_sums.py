"""Shifted sigmoids add up to ReLU: in the limit, and only if they grow steeper on the way."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Identity

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
