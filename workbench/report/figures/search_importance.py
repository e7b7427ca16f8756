"""How much each searched factor has to do with what trials came to: an importance, and a rank correlation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.figures.search_trends import order
from workbench.report.language.words import commas, say, word
from workbench.report.statistics.searched import Searched, Trend

LITTLE = 0.1  # R² of the forest under which importances say nothing


class SearchImportance(FigureKind[Findings, Searched]):
    """One figure of a search with enough trials."""

    section = "search"
    nothing = "The sweep is no search of ten trials or more, so its factors have no importance."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Searched]:
        return [source.search] if source.search and np.isfinite(source.search.explained) else []

    def panels(self, data: Searched, place: int) -> list[Panel]:  # noqa: ARG002
        trends = _trends(data)
        size, left = (340.0, 62.0 + 26 * len(trends)), 18 + 6.5 * max(len(one.axis.factor.name) for one in trends)
        margins = (left, 16, 8, 40)
        falls = _numbers([(one, one.importance) for one in trends])
        ranks = _numbers([(one, one.correlation) for one in trends])
        painted = [partial(paint, trends=trends, correlations=which) for which in (False, True)]
        return [
            _panel(word("Importance"), painted[0], "search-importance", falls, size, margins),
            _panel(word("Rank correlation"), painted[1], "search-correlation", ranks, size, margins),
        ]

    def caption(self, data: Searched) -> str:
        name = wording.metric(data.metric).name.lower()
        trust = say("importance.little") if data.explained < LITTLE else ""
        return say("importance.caption", name=name, explained=wording.number(data.explained, 2), trust=trust)

    def table(self, data: Searched) -> Table:
        """Importance and rank correlation of every factor."""
        rows = [
            (
                one.axis.factor.name, wording.number(one.importance), wording.number(one.correlation),
                _between(one),
            )
            for one in _trends(data)
        ]  # fmt: skip
        return Table(
            "Factors of the search", ("Factor", "Importance", "Rank correlation", "95 % interval"), tuple(rows)
        )


def _panel(
    title: str,
    paint: Callable[[Axes], Axes],
    identity: str,
    numbers: str,
    size: tuple[float, float],
    margins: tuple[float, float, float, float],
) -> Panel:
    return Panel(title, paint, identity, say("figure.alt", name=title, text=numbers), size, margins)


def _numbers(of: Sequence[tuple[Trend, float]]) -> str:
    return commas([
        say("importance.one", factor=one.axis.factor.name, value=wording.number(value, 2)) for one, value in of
    ])  # fmt: skip


def _between(one: Trend) -> str:
    if not np.isfinite(one.interval.low):
        return ""
    return wording.between(*one.interval, "rank_correlation")


def _trends(data: Searched) -> list[Trend]:
    return [data.trends[place] for place in order(data)]


def paint(ax: Axes, trends: list[Trend], correlations: bool) -> Axes:
    """A row for each factor: a bar of its importance, or its correlation with the interval."""
    colour = palette.SLOTS[0].light
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    for row, one in enumerate(trends):
        if not correlations:
            ax.plot([0, one.importance], [row, row], color=colour, linewidth=9, solid_capstyle="butt")
        elif np.isfinite(one.correlation):
            ax.plot(one.interval, [row, row], color=colour, linewidth=2.4, solid_capstyle="butt")
            ax.plot([one.correlation], [row], "o", color=colour, markersize=8, markeredgecolor=palette.SURFACE)
    ax.set_yticks(range(len(trends)), [one.axis.factor.name for one in trends])
    ax.set_ylim(len(trends) - 0.5, -0.5)
    if correlations:
        ax.set_xlim(-1.05, 1.05)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=axes.TICK_STEPS, min_n_ticks=3))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: axes.tick(x)))
    ax.set_xlabel(word("Spearman's rank correlation" if correlations else "fall of R²"))
    return ax
