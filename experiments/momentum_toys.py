"""Momentum on toy losses: through a saddle point, and out of a local minimum."""

from __future__ import annotations

from workbench.report.claims import Arm, Claim, Equivalence, Identity

LAMBDA = 0.9


def _speedup(metric: str) -> Equivalence:
    return Equivalence(
        metric=metric,
        measured=Arm(f"lambda {LAMBDA}", {"arm": "saddle", "optimizer.momentum": LAMBDA}),
        predicted=Arm("1 / (1 - lambda) as fast", constant=1.0),
        tolerance=0.2,
        seeds=tuple(range(12)),
    )


CLAIMS = [
    Claim(
        id="C19",
        section="Tips for deep learning, momentum",
        statement=(
            "Momentum passes plateaus and saddle points sooner: it leaves a saddle 1 / (1 - lambda) times as fast as "
            "plain gradient descent."
        ),
        rule=_speedup("escape_speedup"),
        tuned=_speedup("escape_speedup_at_equal_step"),
        condition=(
            "at an equal learning rate; against plain descent with the step that momentum adds up to, eta / (1 - "
            "lambda), next to nothing is gained"
        ),
        remark=(
            "The rate times the curvature is a twentieth of (1 - lambda)^2; the metric is relative to the prediction."
        ),
    ),
    Claim(
        id="C20",
        section="Tips for deep learning, momentum",
        statement=(
            "Momentum can leave a local minimum: on a cosine of any of four tilts plain descent stays in it, and from "
            "some lambda on momentum rolls out."
        ),
        rule=Identity("escape_violations", Arm("tilted cosine", {"arm": "tilted cosine"}), 0.0),
    ),
]
