"""The table of settings of a sweep that has too many runs to list: every combination of factors over its seeds."""

from __future__ import annotations

import pandas as pd

from workbench.report import wording
from workbench.report.figures.base import Table
from workbench.report.language.words import say
from workbench.report.statistics.design import Design
from workbench.report.statistics.intervals import student

MOST_SETTINGS = 200  # shown


def settings_table(design: Design) -> Table | None:
    """The settings by the mean of the main metric over their finished runs, the best first; None without factors."""
    if not design.factors:
        return None
    metric = wording.metric(design.main)
    done = design.runs[design.main].where(design.runs["outcome"] == "finished")
    groups = done.groupby([design.runs[f"level:{factor.key}"] for factor in design.factors])
    found = pd.DataFrame({"runs": groups.size(), "finished": groups.count(), "mean": groups.mean()})
    best = found.sort_values("mean", ascending=(metric.better or 1) < 0, kind="stable")[:MOST_SETTINGS]
    rows = []
    for setting, runs, finished in zip(
        best.index.tolist(), best["runs"].tolist(), best["finished"].tolist(), strict=True
    ):
        places = setting if isinstance(setting, tuple) else (setting,)
        labels = [factor.labels[place] for factor, place in zip(design.factors, places, strict=True)]
        values = groups.get_group(places).dropna().to_numpy(dtype=float)
        mean = float(values.mean()) if finished else float("nan")
        amounts = [wording.amount(value, design.main) for value in (mean, *student(values, within=metric.range))]
        rows.append((*labels, f"{runs:,}", f"{finished:,}", *amounts))
    heads = (*(factor.name.capitalize() for factor in design.factors), say("head.runs"), "Finished", metric.name,
             "95 % from", "to")  # fmt: skip
    caption = say("runs.settings", some=f"{len(rows):,}", all=f"{len(found):,}", metric=metric.name)
    return Table(caption, heads, tuple(rows), words=len(design.factors))
