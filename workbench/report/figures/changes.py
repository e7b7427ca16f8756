"""What changed from one sweep to another: every case with its change and interval, the largest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.language.words import joined, say, semicolons
from workbench.report.statistics.comparison import BEYOND, Case, Comparison

MOST_CASES = 40
MARGINS_OF_CASES = (axes.ROW_EDGE, 22, 10, 42)


@dataclass(frozen=True)
class OneMetric:
    """Every case of one metric, the largest change first."""

    metric: str
    cases: tuple[Case, ...]

    @property
    def drawn(self) -> tuple[Case, ...]:
        """The cases that fit into the drawing."""
        return self.cases[:MOST_CASES]


class Changes(FigureKind[Comparison, OneMetric]):
    """A figure for each metric that both sweeps have."""

    section = "comparison"
    nothing = "The two sweeps have no finished runs in common."

    def reduce(self, source: Comparison) -> list[OneMetric]:
        def order(case: Case) -> tuple[bool, float, str]:
            return case.finding != BEYOND, -abs(case.change), case.label

        return [OneMetric(key, tuple(sorted(cases, key=order))) for key, cases in source.cases.items() if cases]

    def panels(self, data: OneMetric, place: int) -> list[Panel]:
        name = wording.metric(data.metric).name.lower()
        text = semicolons([
            say("changes.one", label=one.label, change=wording.change(one.change, one.metric), finding=one.finding)
            for one in data.drawn
        ])  # fmt: skip
        return [
            Panel(
                "", partial(paint, data=data), f"forest-{place}", say("changes.alt", name=name, text=text),
                (axes.NARROWEST, axes.height_of_rows(len(data.drawn), MARGINS_OF_CASES)), MARGINS_OF_CASES,
            )
        ]  # fmt: skip

    def caption(self, data: OneMetric) -> str:
        text = [say("changes.caption")]
        text.append(
            say("changes.all_at_once", count=len(data.cases)) if len(data.cases) > 1 else say("changes.one_case")
        )
        if len(data.cases) > len(data.drawn):
            text.append(say("changes.some", drawn=len(data.drawn), all=len(data.cases)))
        return joined(text)

    def table(self, data: OneMetric) -> Table:
        """Every case, also those that do not fit into the drawing."""
        metric = data.metric
        rows = [
            (case.label, case.finding, *(wording.amount(v, metric) for v in (case.first, case.second)),
             wording.change(case.change, metric), wording.between(*case.interval, metric) or "\u2013",
             wording.probability(case.p) if np.isfinite(case.p) else "\u2013", str(case.seeds))
            for case in data.cases
        ]  # fmt: skip
        heads = ("Case", "Finding", "First", "Second", "Change", "95 % interval", "Holm\u2019s p", "Seeds")
        return Table(say("changes.table", name=wording.metric(metric).name.lower()), heads, tuple(rows), words=2)

    def title(self, data: OneMetric) -> str:
        return wording.metric(data.metric).name


def paint(ax: Axes, data: OneMetric) -> Axes:
    """The change of every case with its interval, one row a case. The mark is filled if the change is beyond seed
    noise.
    """
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    colour = palette.SLOTS[0].light
    for place, case in enumerate(data.drawn):
        shown = colour if case.finding == BEYOND else palette.GUIDE
        if np.isfinite(case.interval.low):
            ax.plot(case.interval, [place, place], color=shown, linewidth=2.2, solid_capstyle="butt")
        filled = shown if case.finding == BEYOND else palette.SURFACE
        ax.plot([case.change], [place], "o", color=filled, markersize=6.5, markeredgecolor=shown, markeredgewidth=1.3)
    axes.name_rows(ax, [case.label for case in data.drawn])
    axes.change_axis(ax, data.metric)
    return ax
