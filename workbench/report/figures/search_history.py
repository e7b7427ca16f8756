"""How a search went: every trial in its order, and the best one found so far."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.best_trials import SEARCH_WIDTH, trials_in_words
from workbench.report.figures.findings import Findings
from workbench.report.language.words import say, word
from workbench.report.statistics.searched import Searched, TrialMean

WIDEST_LINEAR = 5.0  # largest over smallest loss on a linear axis


class SearchHistory(FigureKind[Findings, Searched]):
    """One figure of a search by one metric."""

    section = "search"
    nothing = "The sweep is no search by one metric, so there is no order of trials to show."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Searched]:
        return [source.search] if source.search and not source.pareto else []

    def panels(self, data: Searched, place: int) -> list[Panel]:  # noqa: ARG002
        name = wording.title(data.metric)
        alt = say("history.alt", name=name, steps=trials_in_words(data.metric, improvements(data)))
        return [
            Panel(
                say("history.title", name=name),
                partial(paint, data=data),
                "search-history",
                alt,
                (SEARCH_WIDTH, 240),
                (56, 12, 10, 40),
            )
        ]

    def caption(self, data: Searched) -> str:  # noqa: ARG002
        return say("history.caption")

    def table(self, data: Searched) -> Table:
        """The trials that were better than all before."""
        rows = [(str(one.number), wording.amount(one.mean, data.metric)) for one in improvements(data)]
        return Table(
            "Trials that were better than all before", ("Trial", wording.metric(data.metric).name), tuple(rows)
        )


def improvements(data: Searched) -> list[TrialMean]:
    """The trials that were better than all before."""
    found: list[TrialMean] = []
    for trial in data.trials:
        if not found or data.sign * (trial.mean - found[-1].mean) > 0:
            found.append(trial)
    return found


def paint(ax: Axes, data: Searched) -> Axes:
    """Trials as dots in their order, and the best so far as a line of steps."""
    numbers = np.array([trial.number for trial in data.trials])
    best = data.sign * np.maximum.accumulate(data.sign * data.means)
    ax.plot(numbers, data.means, "o", color=palette.SLOTS[0].light, markersize=4.5, alpha=0.55, markeredgewidth=0)
    ax.plot(numbers, best, color=palette.SLOTS[1].light, linewidth=1.9, drawstyle="steps-post")
    axes.value_axis(ax, data.metric, data.means, widest=WIDEST_LINEAR)  # else one bad trial hides how the best improved
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.set_xlabel(word("trial"))
    return ax
