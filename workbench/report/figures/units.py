"""The units of the losses on a page: a regression's losses are not in the units of its data."""

from __future__ import annotations

import math
from collections.abc import Iterable

from workbench.config.reading import TRAINING
from workbench.engine.rules.losses import LOSSES
from workbench.report.language.words import joined, say, word
from workbench.report.statistics.design import Design

LOSS_WITH_MASKS = "train_loss_with_masks"  # of the claims on dropout
STANDARDISED, STANDARDISED_UNITS = say("units.standardised"), say("units.losses")


def units_of_losses(*designs: Design) -> str:
    """A sentence on the units of losses if the sweep trained a regression, else ""."""
    return STANDARDISED if any(_has_regressions(design) for design in designs) else ""


def _has_regressions(design: Design) -> bool:
    runs = design.runs
    if "network.loss" not in runs:
        return design.task == "regression"
    losses = _losses(design)
    return any(row.task == "regression" for name, row in LOSSES.items() if name in losses)


def unit_of_losses(*designs: Design) -> str:
    """What the losses of a sweep are counted in, in a word or two; "" if not all are counted in one unit."""
    if units_of_losses(*designs):
        return word("standardised targets")
    names = {name for design in designs for name in _losses(design)}
    return word("nats, the mean over examples") if names and names <= {"cross_entropy", "binary_cross_entropy"} else ""


def _losses(design: Design) -> set[str]:
    """The losses of the runs that were trained."""
    runs = design.runs
    if "network.loss" not in runs:
        return set()
    trained = runs[runs["measure"].fillna(TRAINING) == TRAINING] if "measure" in runs else runs
    return {str(name) for name in trained["network.loss"].unique()}


def in_units(caption: str, metrics: Iterable[str], units: str) -> str:
    """The caption of a figure of these metrics; it names the `units` if one of the metrics is a loss."""
    return joined([caption, STANDARDISED_UNITS]) if units and any(map(is_loss, metrics)) else caption


def mean_line(cost: float) -> str:
    """What a caption says of the line that a regression's losses carry; "" if there is none."""
    return say("units.grey_line") if math.isfinite(cost) else ""


def is_loss(metric: str) -> bool:
    """Whether a metric is a loss."""
    return metric.endswith("_loss") or metric == LOSS_WITH_MASKS
