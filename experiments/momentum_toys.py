"""Momentum on toy losses: through a saddle point, and out of a local minimum."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Equivalence, Figure, Heat, Identity, Lines, table

LAMBDA = 0.9
BOTTOM, TOP = math.asin(0.2), math.pi - math.asin(0.2)  # of the cosine with that tilt: its first minimum, its next top


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


def saddle(tables: Any) -> pd.DataFrame:
    """Steps to leave the saddle, relative to plain descent at the same rate, and at the step momentum adds up to."""
    runs = tables.runs[(tables.runs["arm"] == "saddle") & (tables.runs["outcome"] == "finished")]
    momentum = runs["optimizer.momentum"]
    lines = {
        "at an equal rate": runs["escape_steps_without_momentum"] / runs["escape_steps"],
        "at an equal step": runs["escape_advantage_at_equal_step"],
        "1 / (1 - lambda)": 1 / (1 - momentum),
    }
    parts = [
        pd.DataFrame({"lambda": momentum.map("{:g}".format), "compared": name, "times": line, "seed": runs["seed"]})
        for name, line in lines.items()
    ]
    return pd.concat(parts)


def cosine(tables: Any) -> pd.DataFrame:
    """Share of the starts from which momentum rolls out, by tilt and 1 - lambda."""
    rows = table("tilted_cosine")(tables)
    return rows.assign(friction=(1 - rows["lambda"]).map("{:.2g}".format)).drop(columns="lambda")


def paths(tables: Any) -> pd.DataFrame:
    """Where three balls are by step, from one start: without momentum, and just short of and beyond the threshold."""
    rows = table("ball_paths")(tables)
    rows = rows[rows["seed"] == rows["seed"].min()] if "seed" in rows else rows[rows["cell"] == rows["cell"].min()]
    return rows.assign(ball=rows["lambda"].map("lambda {:.3g}".format))[["ball", "step", "position"]]


FIGURES = [
    Figure(
        "The path of the ball",
        "Position by step on a cosine tilted by 0.2, from one start beyond the top before its first minimum. Without "
        "momentum the ball rests in the minimum (lower line); from some lambda on it passes the next top (upper line).",
        paths,
        Lines("step", "position", by="ball", log_x=True, guides=(BOTTOM, TOP)),
        size=(440, 260),
        opens=True,
    ),
    Figure(
        "How many times sooner the saddle is left",
        "With momentum against without: at an equal rate it is the longer step, 1 / (1 - lambda), that counts.",
        saddle,
        Lines("lambda", "times", by="compared", log_y=True),
    ),
    Figure(
        "Which lambda rolls out of a minimum",
        "Share of starts that pass the next top of the cosine, by tilt and by 1 - lambda: beyond a threshold all do.",
        cosine,
        Heat("friction", "tilt", "escaped"),
        value="escaped",
        size=(440, 180),
    ),
]
