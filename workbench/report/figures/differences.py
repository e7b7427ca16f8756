"""The basis of a claim: the paired difference of every seed, their mean and interval, and the margin that is too small
to matter.
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
from workbench.report.verdicts.claim_rules import Claim, Equivalence, Identity
from workbench.report.verdicts.verdict import Verdict


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


class Differences(FigureKind[Findings, OneClaim]):
    """A figure for each claim that has differences."""

    section = "verdicts"
    nothing = "No claim of this page has a seed with both of its sides."
    width = "wide"

    def reduce(self, source: Findings) -> list[OneClaim]:
        claims = [OneClaim(claim, verdict, place) for place, (claim, verdict) in enumerate(source.judged)]
        return [one for one in claims if one.verdict.differences]

    def panels(self, data: OneClaim, place: int) -> list[Panel]:  # noqa: ARG002
        alt = f"Paired differences by seed. {data.verdict.sentence}"
        painted = partial(paint, data=data)
        return [Panel("Paired differences", painted, f"claim-{data.place}", alt, (400, 92), (22, 22, 6, 26))]

    def caption(self, data: OneClaim) -> str:  # noqa: ARG002
        return "Above: each seed. Below: mean and 95 % interval. Shaded: too small to matter."

    def table(self, data: OneClaim) -> Table:
        """The paired difference of every seed."""
        metric = data.claim.rule.metric
        rows = [(str(seed), wording.change(value, metric)) for seed, value in data.verdict.differences]
        return Table("Paired differences", ("Seed", "Difference"), tuple(rows))

    def about(self, data: OneClaim) -> str:
        return str(data.place)


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
