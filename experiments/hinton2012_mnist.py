"""Dropout on MNIST as first published (Hinton et al. 2012): published test errors and ours, and their order."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import Arm, Claim, Equivalence, Figure, Paired, Rows

SOURCE = "Hinton et al. 2012, arXiv 1207.0580"
SEEDS = tuple(range(12))
METRIC = "last_test_accuracy"
ROWS = {  # arm -> (the row in words, published test error)
    "standard": ("no dropout", 0.016),
    "hidden": ("half of the hidden units dropped", 0.013),
    "inputs": ("a fifth of the pixels dropped too", 0.011),
}
SCHEDULES = {"full": "3,000 epochs, as published", "short": "30 epochs, a hundredth of the published schedule"}
DATASETS: dict[str, list[str]] = {}  # its data are MNIST: asked for by name alone


def _arm(schedule: str, row: str) -> Arm:
    return Arm(ROWS[row][0], {"arm": f"{schedule}_{row}"})


def _figure(schedule: str, row: str) -> Claim:
    words, published = ROWS[row]
    return Claim(
        id=f"hinton2012-{row}{'-short' if schedule == 'short' else ''}",
        section=SOURCE,
        statement=f"MNIST: two layers of 800 units, {words}, have a test error of {100 * published:.2f} %.",
        rule=Equivalence(
            METRIC, _arm(schedule, row), Arm("the published figure", constant=1 - published), 0.002, SEEDS
        ),
        remark=f"Trained for {SCHEDULES[schedule]}. The margin was fixed here: the paper gives single numbers.",
    )


def _order(schedule: str) -> Claim:
    better = [
        Paired(METRIC, _arm(schedule, row), _arm(schedule, other), 0.0005, "higher", SEEDS)
        for row, other in (("hidden", "standard"), ("inputs", "hidden"))
    ]
    return Claim(
        id=f"hinton2012-order{'-short' if schedule == 'short' else ''}",
        section=SOURCE,
        statement="MNIST: dropping hidden units lowers the test error, and dropping pixels too lowers it further.",
        rule=better[0],
        also=(better[1],),
        remark=(
            f"Trained for {SCHEDULES[schedule]}. 0.3 and 0.2 percentage points in the paper; a twentieth of one is the "
            "least that matters here."
        ),
    )


CLAIMS = [claim for schedule in SCHEDULES for claim in (*(_figure(schedule, row) for row in ROWS), _order(schedule))]


def against_published(tables: Any) -> pd.DataFrame:
    """Test error in percent, published and ours, of the rows that have a finished run."""
    runs = tables.runs[tables.runs["outcome"] == "finished"]
    parts = []
    for schedule, about in SCHEDULES.items():
        for row, (words, published) in ROWS.items():
            mine = runs[runs["arm"] == f"{schedule}_{row}"].assign(row=words, training=about.partition(",")[0])
            for result, error in (("ours", 100 * (1 - mine[METRIC])), ("published", 100 * published)):
                parts.append(mine.assign(result=result, error=error))
    columns = {"error": "test error in percent"}
    return pd.concat(parts).rename(columns=columns)[["training", "row", "result", "test error in percent", "seed"]]


FIGURES = [
    Figure(
        "Published and ours",
        "Test error in percent of every row that was trained.",
        against_published,
        Rows("row", "test error in percent", by="result"),
        panels="training",
    )
]
