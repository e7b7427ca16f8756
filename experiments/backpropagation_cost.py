"""Backpropagation is efficient: a gradient by every weight for about twice the price of a forward pass."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Identity

CLAIMS = [
    Claim(
        id="B3",
        section="Backpropagation",
        statement=(
            "A backward pass gives the derivatives by all weights for 1.5 to 3 times what a forward pass costs, "
            "whatever their number, where a finite difference for each weight costs as many forward passes as there "
            "are weights."
        ),
        rule=Identity("backward_ratio_from_middle", Arm("every width"), 0.75),
        remark="The number that is judged is the distance of the ratio backward / forward from 2.25.",
    )
]
