"""ReLU is faster to compute than the sigmoid: the function itself, and a step of training."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Paired
from workbench.report.notes import FAMILY


def _cheaper(metric: str) -> Paired:
    relu, sigmoid = (Arm(name, {"network.activation": name}) for name in ("relu", "sigmoid"))
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
