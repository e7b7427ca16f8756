"""Backpropagation step by step: the forward factor, the reversed network, and the gradient that is their product."""

from __future__ import annotations

from workbench.claims import Arm, Claim, Identity

EVERY_NETWORK = Arm("every activation, loss and dropout rate")
LOSSES = ("classes", "two classes", "regression")


def _output(arm: str) -> Identity:
    return Identity("output_delta_error", Arm(arm, {"arm": arm}), 1e-6)


CLAIMS = [
    Claim(
        id="B2",
        section="Backpropagation",
        statement="The total loss is a sum over examples, and so is its gradient by every weight.",
        rule=Identity("batch_gradient_error", EVERY_NETWORK, 1e-6),
    ),
    Claim(
        id="B4",
        section="Backpropagation, forward pass",
        statement="The derivative of a neuron's z by one of its weights is the input that this weight reads.",
        rule=Identity("forward_factor_error", EVERY_NETWORK, 1e-6),
    ),
    Claim(
        id="B5",
        section="Backpropagation, backward pass",
        statement=(
            "The derivatives of the loss by all z are the outputs of a linear network that runs the other way: "
            "transposed weights, and at each neuron the gain sigma'(z)."
        ),
        rule=Identity("reversed_network_error", EVERY_NETWORK, 1e-6),
    ),
    Claim(
        id="B6",
        section="Backpropagation, case I: output layer",
        statement=(
            "At the output only its activation and the loss count: softmax, sigmoid and identity with the loss that "
            "belongs to them all give output minus target."
        ),
        rule=_output(LOSSES[0]),
        also=(_output(LOSSES[1]), _output(LOSSES[2])),
        slip=(
            "The notes write the loss of a softmax in its form for two classes; for several it is minus the sum over "
            "the classes of target times ln of the output."
        ),
    ),
    Claim(
        id="B7",
        section="Backpropagation, summary",
        statement=(
            "The gradient by a weight is the product of the two: what the weight reads, and the derivative of the loss "
            "by its neuron's z."
        ),
        rule=Identity("gradient_error", EVERY_NETWORK, 1e-6),
        remark="Parameters whose perturbation carries a unit over its kink are left out.",
    ),
]
