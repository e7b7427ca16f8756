"""Maxout: ReLU is one of its cases, and for every single example it is a thin linear network."""

from __future__ import annotations

from workbench.claims import Arm, Claim, Identity

CLAIMS = [
    Claim(
        id="C15",
        section="Tips for deep learning, maxout",
        statement="A ReLU network is a maxout network whose second pieces are fixed at zero.",
        rule=Identity("relu_as_maxout_error", Arm("ReLU as maxout", {"arm": "relu as maxout"}), 0.0),
    ),
    Claim(
        id="C16",
        section="Tips for deep learning, maxout",
        statement=(
            "For one example a maxout network is the linear one of the pieces that won, A x + c; another example has "
            "another."
        ),
        rule=Identity("thin_network_error", Arm("maxout", {"arm": "thin maxout"}), 1e-6),
        remark="The same is true of ReLU, whose networks stand beside.",
    ),
]
