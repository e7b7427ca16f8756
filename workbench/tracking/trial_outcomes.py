"""The outcomes of the cells of a search's batch, with the metrics that are optimized."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from pandas.api.types import is_numeric_dtype

from workbench.engine.errors import BadInput
from workbench.engine.training.ending import ABOVE_ITS_BOUND
from workbench.tracking.read import load


def trial_outcomes(name: str, uri: str | None, metrics: Sequence[str]) -> list[tuple[str, tuple[float, ...]]]:
    """The outcome and these metrics of each cell of a sweep, in the order of the cells; NaN if a cell lacks one.

    Raises BadInput if runs finished and none of them has such a metric.
    """
    runs = load(name, uri).runs.sort_values("cell")
    finished = runs[runs["outcome"] == "finished"]
    for metric in metrics if len(finished) else ():
        if metric not in runs or not is_numeric_dtype(runs[metric]) or finished[metric].isna().all():
            known = [name for name in map(str, runs) if name.startswith(("best_", "last_"))]
            known = [name for name in known if finished[name].notna().any()]
            raise BadInput(f"hydra.sweeper.metric is {metric!r}; allowed: one of {', '.join(known)}")
    values = [runs[metric].astype(float) if metric in runs else [math.nan] * len(runs) for metric in metrics]
    return [(str(outcome), row) for outcome, row in zip(runs["outcome"], zip(*values, strict=True), strict=True)]


def trial_curves(name: str, uri: str | None) -> list[tuple[list[float], bool]]:
    """Of each cell of a sweep, in their order, its least validation loss by each epoch from the first on, and whether
    its bounds stopped it. A cell without a history has no epochs.
    """
    sweep = load(name, uri)
    trained = sweep.epochs[sweep.epochs["epoch"] > 0]
    losses = {str(cell): rows["validation_loss"].to_numpy() for cell, rows in trained.groupby("cell", sort=False)}
    runs = sweep.runs.sort_values("cell")
    return [
        (np.fmin.accumulate(losses.get(str(cell), np.empty(0))).tolist(), str(reason).startswith(ABOVE_ITS_BOUND))
        for cell, reason in zip(runs["cell"], runs["reason"], strict=True)
    ]
