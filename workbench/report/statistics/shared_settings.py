"""What the runs that were lost have in common, of the settings that were swept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.report.statistics.design import Design, Factor


@dataclass(frozen=True)
class SharedSettings:
    """Of `lost` runs: the levels that each factor has among them, only of factors that have others too.

    `with_them` is how many runs of the sweep have these settings. `commonest` is, where nothing is shared, the level
    that most of them have beyond its share of all runs: factor, label, how many of them.
    """

    lost: int
    settings: tuple[tuple[Factor, tuple[str, ...]], ...]
    with_them: int
    commonest: tuple[Factor, str, int] | None = None


def shared_settings(design: Design, outcome: str) -> SharedSettings | None:
    """What the runs of one outcome share; None if there are none, or nothing was swept."""
    runs = design.runs
    lost = (runs["outcome"] == outcome).to_numpy()
    if not lost.any() or not design.factors:
        return None
    settings, mine = [], np.ones(len(runs), bool)
    for factor in design.factors:
        levels = runs[f"level:{factor.key}"]
        held = sorted(set(levels[lost]))
        if len(held) < len(factor.values) and len(held) <= max(1, len(factor.values) // 2):
            settings.append((factor, tuple(factor.labels[level] for level in held)))
            mine &= levels.isin(held).to_numpy()
    count = int(lost.sum())
    if settings:
        return SharedSettings(count, tuple(settings), int(mine.sum()))
    return SharedSettings(count, (), len(runs), _commonest(runs, design, lost))


def _commonest(runs: pd.DataFrame, design: Design, lost: np.ndarray) -> tuple[Factor, str, int]:
    found = []
    for factor in design.factors:
        levels = runs[f"level:{factor.key}"].to_numpy()
        for level, label in enumerate(factor.labels):
            mine = levels == level
            found.append((float(lost[mine].mean() if mine.any() else 0), factor, label, int(lost[mine].sum())))
    _, factor, label, count = max(found, key=lambda one: one[0])
    return factor, label, count
