"""The outcomes of the cells of a search's batch, with the metric that is optimized."""

from __future__ import annotations

import math

from workbench.engine.errors import BadInput
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
