"""The matrix form computes the same thing as neuron by neuron."""

from __future__ import annotations

from workbench.claims import Arm, Claim, Identity

CLAIMS = [
    Claim(
        id="A2",
        section="The model, matrix operation",
        statement=(
            "A layer is one product of a matrix, a row of weights for each neuron, with its inputs: the outputs are "
            "those of computing neuron by neuron."
        ),
        rule=Identity("matrix_form_error", Arm("every network"), 1e-6),
    )
]
