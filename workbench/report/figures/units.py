"""What the losses on a page are measured in: a regression's are not in the units of its data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from workbench.engine.rules.losses import LOSSES
from workbench.report.figures.sections import Card, Group
from workbench.report.statistics.design import Design
from workbench.sweep.measures import TRAINING

STANDARDISED = (
    "Losses of a regression are in standardised units: half the squared error of each output, its targets scaled to "
    "mean 0 and deviation 1 over each run's own training split. To predict the mean costs about 0.5 an output."
)
SHORT = "Losses are in standardised units."


def units_of_losses(*designs: Design) -> str:
    """A word on the units of losses where a sweep trained a regression, else ""."""
    return STANDARDISED if any(_has_regressions(design) for design in designs) else ""


def _has_regressions(design: Design) -> bool:
    runs = design.runs
    if "network.loss" not in runs:
        return design.task == "regression"
    trained = runs[runs["measure"].fillna(TRAINING) == TRAINING] if "measure" in runs else runs
    losses = {str(name) for name in trained["network.loss"].unique()}
    return any(row.task == "regression" for name, row in LOSSES.items() if name in losses)


def captioned(groups: Iterable[Group], metrics: Iterable[str], units: str) -> list[Group]:
    """The figures of these metrics; where one of them is a loss in such units, the caption says so."""
    short = SHORT if units and any(map(_is_loss, metrics)) else ""
    return [replace(group, caption=f"{group.caption} {short}".strip()) for group in groups]


def with_units(card: Card, units: str) -> Card:
    """A claim's card; where its rule is about a loss in such units, its facts say so."""
    if not units or not _is_loss(card.claim.rule.metric):
        return card
    return replace(card, facts=(*card.facts, ("Unit", "standardised targets")))


def _is_loss(metric: str) -> bool:
    return metric.endswith("_loss")
