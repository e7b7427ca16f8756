"""The units of the losses on a page: a regression's losses are not in the units of its data."""

from __future__ import annotations

import math
from collections.abc import Iterable

from workbench.config.reading import TRAINING
from workbench.engine.rules.losses import LOSSES
from workbench.report.language.words import joined, say
from workbench.report.statistics.design import Design

STANDARDISED, STANDARDISED_UNITS = say("units.standardised"), say("units.losses")


def units_of_losses(*designs: Design) -> str:
    """A sentence on the units of losses if the sweep trained a regression, else ""."""
    return STANDARDISED if any(_has_regressions(design) for design in designs) else ""


def _has_regressions(design: Design) -> bool:
    runs = design.runs
    if "network.loss" not in runs:
        return design.task == "regression"
    trained = runs[runs["measure"].fillna(TRAINING) == TRAINING] if "measure" in runs else runs
    losses = {str(name) for name in trained["network.loss"].unique()}
    return any(row.task == "regression" for name, row in LOSSES.items() if name in losses)


def in_units(caption: str, metrics: Iterable[str], units: str) -> str:
    """The caption of a figure of these metrics; it names the `units` if one of the metrics is a loss."""
    return joined([caption, STANDARDISED_UNITS]) if units and any(map(is_loss, metrics)) else caption


def mean_line(cost: float) -> str:
    """What a caption says of the line that a regression's losses carry; "" if there is none."""
    return say("units.grey_line") if math.isfinite(cost) else ""


def is_loss(metric: str) -> bool:
    """Whether a metric is a loss."""
    return metric.endswith("_loss")
