"""What a search says of each factor: its trials over the factor's values, with a fitted trend."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.language.words import say
from workbench.report.statistics.searched import FEWEST_TRIALS, Axis, Searched, fitted_trend

FITTED_POINTS, IN_TABLE = 41, 5


class SearchTrends(FigureKind[Findings, Searched]):
    """One figure of a search, a drawing for each factor, the most important first."""

    section = "search"
    nothing = "The sweep is no search, so its factors have levels and no trends."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Searched]:
        return [source.search] if source.search else []

    def panels(self, data: Searched, place: int) -> list[Panel]:  # noqa: ARG002
        name = wording.title(data.metric)
        return [
            Panel(
                data.factors[one].name.capitalize(), partial(paint, data=data, place=one), f"search-trend-{one}",
                say("trends.alt", name=name, factor=data.factors[one].name), margins=(56, 10, 10, 40),
            )
            for one in order(data)
        ]  # fmt: skip

    def caption(self, data: Searched) -> str:
        name = wording.metric(data.metric).name
        return say("trends.caption", name=name)

    def table(self, data: Searched) -> Table:
        """The fitted trend of each factor at a few of its values; of names, the mean of their trials."""
        rows = []
        for one in order(data):
            axis = data.trends[one].axis
            places, values = trend(data, one)
            chosen = (
                np.linspace(0, len(places) - 1, IN_TABLE).round().astype(int) if axis.numeric else range(len(places))
            )
            rows += [
                (axis.factor.name, _label(axis, places[at]), wording.amount(values[at], data.metric)) for at in chosen
            ]
        return Table("The fitted trends", ("Factor", "Value", wording.metric(data.metric).name), tuple(rows), words=2)


def order(data: Searched) -> list[int]:
    """The places of the factors, the most important first."""
    falls = [-one.importance if np.isfinite(one.importance) else 0.0 for one in data.trends]
    return [int(place) for place in np.argsort(falls, kind="stable")]


def trend(data: Searched, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Places on the axis of a factor and the trend there; of names, and of few trials, the means of their trials."""
    axis, places = data.trends[place].axis, data.places(place)
    if not axis.numeric or len(places) < FEWEST_TRIALS:
        held = np.unique(places)
        return held, np.array([data.means[places == one].mean() for one in held])
    at = np.linspace(places.min(), places.max(), FITTED_POINTS)
    return at, fitted_trend(places, data.means, at)


def _label(axis: Axis, place: float) -> str:
    if not axis.numeric:
        return axis.factor.labels[int(place)]
    return wording.number(10.0**place if axis.logarithmic else place)


def paint(ax: Axes, data: Searched, place: int) -> Axes:
    """Trials as dots over one factor, and the trend as a line; names at equal distances, with their means."""
    axis, colour = data.trends[place].axis, palette.SLOTS[0].light
    ax.plot(data.places(place), data.means, "o", color=colour, markersize=4.5, alpha=0.5, markeredgewidth=0)
    style = (
        {"linewidth": 2.2}
        if axis.numeric
        else {"marker": "_", "markersize": 18, "markeredgewidth": 2.6, "linewidth": 0}
    )
    ax.plot(*trend(data, place), color=palette.SLOTS[1].light, **style)
    axes.value_axis(ax, data.metric, data.means)
    if not axis.numeric:
        axes.name_places(ax.xaxis, axis.factor.labels)
        ax.set_xlim(-0.5, len(axis.factor.labels) - 0.5)
    elif axis.logarithmic:
        ax.xaxis.set_major_locator(FixedLocator(axes.decades(axis.places.min(), axis.places.max())))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: wording.number(10.0**x, 1)))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=axes.TICK_STEPS, min_n_ticks=3, integer=axis.whole))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: axes.tick(x)))
    ax.set_xlabel(axis.factor.name)
    return ax
