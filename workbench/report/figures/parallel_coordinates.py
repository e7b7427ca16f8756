"""All trials of a search at once: an axis for each factor and one for the result, a line for each trial."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import FigureKind, Key, Panel, Table, sampled
from workbench.report.figures.best_trials import SEARCH_WIDTH
from workbench.report.figures.findings import Findings
from workbench.report.figures.search_trends import order
from workbench.report.language.words import joined, say, word
from workbench.report.statistics.searched import Searched, TrialMean

MOST_LINES_DRAWN, ROWS = 150, 12
BEST_SHARE = 0.1
AXIS_ROOM = 90.0  # pixels from one axis to the next


class ParallelCoordinates(FigureKind[Findings, Searched]):
    """One figure of a search."""

    section = "search"
    nothing = "The sweep is no search, so no trial has settings of its own."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Searched]:
        return [source.search] if source.search else []

    def panels(self, data: Searched, place: int) -> list[Panel]:  # noqa: ARG002
        names = wording.listing([data.factors[one].name for one in order(data)])
        alt = say("parallel.alt", names=names, metric=wording.title(data.metric).lower())
        width = max(SEARCH_WIDTH, 88.0 + AXIS_ROOM * len(data.factors))
        return [
            Panel(
                word("All trials"), partial(paint, data=data), "search-parallel", alt, (width, 310), (24, 64, 10, 74),
                _readings(data),
            )
        ]  # fmt: skip

    def caption(self, data: Searched) -> str:
        count = len(_drawn(data))
        some = say("parallel.some", some=count, all=len(data.trials)) if count < len(data.trials) else ""
        return say("parallel.caption", some=some)

    def table(self, data: Searched) -> Table:
        """A few of the lines, from the best to the worst."""
        lines = _drawn(data)
        rows = [
            (
                str(one.number), *(data.factors[place].labels[one.levels[place]] for place in order(data)),
                wording.amount(one.mean, data.metric),
            )
            for one in (lines[place] for place in sampled(len(lines), ROWS))
        ]  # fmt: skip
        names = [data.factors[place].name.capitalize() for place in order(data)]
        heads = ("Trial", *names, wording.metric(data.metric).name)
        return Table("Trials from the best to the worst", heads, tuple(rows), words=1 + len(names))

    def legend(self, data: Searched) -> tuple[Key, ...]:  # noqa: ARG002
        entries = ((word("the best tenth of the trials"), palette.SLOTS[1]), (word("all others"), palette.GREY_SLOT))
        return tuple(Key(label, palette.css(slot), "") for label, slot in entries)

    def by(self, data: Searched) -> str:  # noqa: ARG002
        return "trial"

    def arms(self, data: Searched) -> tuple[str, ...]:
        return tuple(str(one.number) for one in _drawn(data))


def _readings(data: Searched) -> marks.Readings:
    """Of each line the values of its trial."""
    lines, factors = _drawn(data), order(data)
    names = (word("trial"), *(data.factors[place].name for place in factors), wording.metric(data.metric).name.lower())
    values = tuple(
        (*(data.factors[place].labels[one.levels[place]] for place in factors), wording.amount(one.mean, data.metric))
        for one in lines
    )
    return marks.Readings(tuple(map(str, range(len(factors) + 1))), values, "", names)


def _drawn(data: Searched) -> list[TrialMean]:
    ranked = data.ranked
    return [ranked[place] for place in sampled(len(ranked), MOST_LINES_DRAWN)]


def paint(ax: Axes, data: Searched) -> Axes:
    """The result is the last axis, in its own units; every other one is stretched to the same height."""
    lines, factors = _drawn(data), order(data)
    means = np.array([one.mean for one in lines])
    low, high = float(means.min()), float(means.max())
    height = high - low or 1.0
    best = max(1, round(BEST_SHARE * len(lines)))
    for rank in reversed(range(len(lines))):
        spots = [low + height * _share(data, place, lines[rank]) for place in factors]
        style: axes.LineStyle = {"color": palette.GREY_SLOT.light, "linewidth": 0.9, "alpha": 0.45}
        if rank < best:
            style = {"color": palette.SLOTS[1].light, "linewidth": 1.8}
        ax.plot(range(len(factors) + 1), [*spots, lines[rank].mean], **style, gid=marks.curve_of(rank))
    for place in range(len(factors) + 1):
        ax.axvline(place, color=palette.GUIDE, linewidth=1.1)
    ends = [_ends(data, place) for place in factors]
    names = [
        joined([data.factors[place].name, say("number.between", low=first, high=last)], "\n", "\n")
        for place, (first, last) in zip(factors, ends, strict=True)
    ]
    names.append(wording.metric(data.metric).name.lower())
    lower = [joined([" ", " ", name], "\n", "\n") if place % 2 else name for place, name in enumerate(names)]
    ax.set_xticks(range(len(names)), lower)  # every second one, so that none meets the next
    names_below = ax.xaxis.get_ticklabels()
    names_below[0].set_horizontalalignment("left")
    names_below[-1].set_horizontalalignment("right")
    ax.yaxis.tick_right()
    axes.amount_axis(ax.yaxis, data.metric)
    ax.grid(False)
    return ax


def _share(data: Searched, place: int, trial: TrialMean) -> float:
    """Where a trial lies on the axis of a factor, from 0 to 1."""
    places = data.trends[place].axis.places
    return float((places[trial.levels[place]] - places.min()) / (np.ptp(places) or 1.0))


def _ends(data: Searched, place: int) -> tuple[str, str]:
    factor = data.trends[place].axis.factor
    if not data.trends[place].axis.numeric:
        return factor.labels[0], factor.labels[-1]
    first, last = (float(str(value)) for value in (factor.values[0], factor.values[-1]))
    if data.trends[place].axis.whole:
        return axes.tick(first), axes.tick(last)
    return wording.number(first, 2), wording.number(last, 2)
