"""The basis of a claim: its arms with every seed, and the paired differences beside the margin that is too small to
matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.language.words import commas, say
from workbench.report.statistics.intervals import student
from workbench.report.verdicts.claim_rules import Claim, Equivalence, Identity
from workbench.report.verdicts.verdict import Verdict

ARM_MARGINS = (axes.ROW_EDGE, 22, 10, 26)


@dataclass(frozen=True)
class OneClaim:
    """A claim with its verdict, the `place`-th of the page."""

    claim: Claim
    verdict: Verdict
    place: int

    @property
    def values(self) -> np.ndarray:
        """The differences by seed (n,)."""
        return np.array([value for _, value in self.verdict.differences])

    @property
    def margin(self) -> float:
        """The margin that is too small to matter."""
        rule = self.claim.rule
        if isinstance(rule, Identity):
            return 0.0
        return rule.tolerance if isinstance(rule, Equivalence) else rule.margin


def claims_of(source: Findings) -> list[OneClaim]:
    """Every claim of the page with its verdict, in the page's order."""
    return [OneClaim(claim, verdict, place) for place, (claim, verdict) in enumerate(source.judged)]


class Differences(FigureKind[Findings, OneClaim]):
    """A figure for each claim that has differences."""

    section = "verdicts"
    nothing = "No claim of this page has a seed with both of its sides."
    width = "wide"

    def reduce(self, source: Findings) -> list[OneClaim]:
        return [one for one in claims_of(source) if one.verdict.differences]

    def panels(self, data: OneClaim, place: int) -> list[Panel]:  # noqa: ARG002
        metric = data.claim.rule.metric
        means = commas([
            say("differences.arm", label=label, mean=wording.amount(float(np.mean(v)), metric))
            for label, v in data.verdict.arms
        ])  # fmt: skip
        arms = Panel(
            wording.title(metric), partial(paint_arms, data=data), f"arms-{data.place}",
            say("differences.arms_alt", means=means),
            (axes.NARROWEST, axes.height_of_rows(len(data.verdict.arms), ARM_MARGINS)), ARM_MARGINS,
        )  # fmt: skip
        alt = say("differences.alt", sentence=data.verdict.sentence)
        size, margins = (axes.NARROWEST, 104), (axes.ROW_EDGE, 22, 6, 42)
        return [arms, Panel("Paired differences", partial(paint, data=data), f"claim-{data.place}", alt, size, margins)]

    def caption(self, data: OneClaim) -> str:  # noqa: ARG002
        return say("differences.caption")

    def table(self, data: OneClaim) -> Table:
        """The paired difference of every seed."""
        metric = data.claim.rule.metric
        rows = [(str(seed), wording.change(value, metric)) for seed, value in data.verdict.differences]
        return Table("Paired differences", ("Seed", "Difference"), tuple(rows))

    def about(self, data: OneClaim) -> str:
        return str(data.place)


def paint_arms(ax: Axes, data: OneClaim) -> Axes:
    """A row for each arm, its name over it: every seed, the mean and its interval."""
    metric = data.claim.rule.metric
    arms = data.verdict.arms
    for row, ((_, held), slot) in enumerate(zip(arms, palette.slots(len(arms)), strict=True)):
        values = np.array(held)
        ax.plot(values, np.full(len(values), row), "o", color=slot.light, markersize=5, alpha=0.3, markeredgewidth=0)
        span = student(values, within=wording.metric(metric).range)
        if np.isfinite(span.low):
            ax.plot(span, [row, row], color=slot.light, linewidth=3, solid_capstyle="butt")
        ax.plot([values.mean()], [row], slot.marker, color=slot.light, markersize=8, markeredgecolor=palette.SURFACE)
    axes.name_rows(ax, [label for label, _ in arms])
    axes.amount_axis(ax.xaxis, metric)
    return ax


def paint(ax: Axes, data: OneClaim) -> Axes:
    """Paired differences on one line: the band of +-margin, every seed, the mean and its interval."""
    values, interval = data.values, data.verdict.interval
    ax.axvspan(-data.margin, data.margin, color=palette.GRID, alpha=0.75, linewidth=0)
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    colour = palette.SLOTS[0].light
    ax.plot(values, np.full(len(values), 0.3), "o", color=colour, markersize=5, alpha=0.4, markeredgewidth=0)
    if np.isfinite(interval.low):
        ax.plot(interval, [-0.3, -0.3], color=colour, linewidth=3, solid_capstyle="butt")
    ax.plot([values.mean()], [-0.3], "o", color=colour, markersize=8, markeredgecolor=palette.SURFACE)
    ax.set_ylim(-0.8, 0.8)
    ax.yaxis.set_visible(False)
    ax.grid(False)
    axes.change_axis(ax, data.claim.rule.metric)
    return ax
