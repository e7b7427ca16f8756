"""Fully connected networks of LeCun et al. (1998) on MNIST: published test errors and ours."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Equivalence, Figure, Paired, Rows

SOURCE = "LeCun et al. 1998, Proc. IEEE 86(11), figure 9"
SEEDS = tuple(range(12))
METRIC = "last_test_accuracy"
ROWS = {  # arm -> (the network in words, published test error)
    "one_300": ("one hidden layer of 300", 0.047),
    "one_1000": ("one hidden layer of 1000", 0.045),
    "two_300_100": ("two hidden layers of 300 and 100", 0.0305),
    "two_500_150": ("two hidden layers of 500 and 150", 0.0295),
}
DATASETS: dict[str, list[str]] = {}  # its data are MNIST: asked for by name alone


def _row(arm: str) -> Claim:
    words, published = ROWS[arm]
    return Claim(
        id=f"lecun1998-{arm}",
        section=SOURCE,
        statement=f"MNIST: a network of {words} has a test error of {100 * published:.2f} %.",
        rule=Equivalence(
            METRIC, Arm(words, {"arm": arm}), Arm("the published figure", constant=1 - published), 0.005, SEEDS
        ),
        remark="The margin was fixed here: the paper gives single numbers. Batch, rate and epochs are ours.",
    )


CLAIMS = [
    *map(_row, ROWS),
    Claim(
        id="lecun1998-order",
        section=SOURCE,
        statement="MNIST: a second hidden layer of 100 units lowers the test error of 300 hidden units.",
        rule=Paired(
            METRIC, Arm("300 and 100", {"arm": "two_300_100"}), Arm("300", {"arm": "one_300"}), 0.001, "higher", SEEDS
        ),
        remark="1.65 percentage points in the paper; a tenth of one is the least that matters here.",
    ),
]


def against_published(tables: Any) -> pd.DataFrame:
    """Test error in percent, published and ours, of the networks that have a finished run."""
    runs = tables.runs[tables.runs["outcome"] == "finished"]
    parts = []
    for arm, (words, published) in ROWS.items():
        mine = runs[runs["arm"] == arm].assign(network=words)
        parts += [
            mine.assign(result="ours", error=100 * (1 - mine[METRIC])),
            mine.assign(result="published", error=100 * published),
        ]
    columns = {"error": "test error in percent"}
    return pd.concat(parts).rename(columns=columns)[["network", "result", "test error in percent", "seed"]]


FIGURES = [
    Figure(
        "Published and ours",
        "Test error in percent of every network that was trained.",
        against_published,
        Rows("network", "test error in percent", by="result"),
    )
]
