"""The outcomes of the cells of a search's batch, with the metric that is optimized."""

from __future__ import annotations

import math

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.training.ending import ABOVE_ITS_BOUND
from workbench.tracking.read import load


def trial_outcomes(name: str, uri: str | None, metric: str) -> list[tuple[str, float]]:
    """The outcome and one metric of each cell of a sweep, in the order of the cells; NaN if a cell lacks the metric.

    Raises BadInput if runs finished and none of them has that metric.
    """
    runs = load(name, uri).runs.sort_values("cell")
    finished = runs[runs["outcome"] == "finished"]
    if len(finished) and (metric not in runs or finished[metric].isna().all()):
        known = [name for name in map(str, runs) if name.startswith(("best_", "last_"))]
        known = [name for name in known if finished[name].notna().any()]
        raise BadInput(f"hydra.sweeper.metric is {metric!r}; allowed: one of {', '.join(known)}")
    values = runs[metric] if metric in runs else [math.nan] * len(runs)
    return [(str(outcome), float(value)) for outcome, value in zip(runs["outcome"], values, strict=True)]


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
