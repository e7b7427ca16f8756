"""The best trials of a search, each with the interval of its mean over seeds, and with its settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.language.words import commas, say
from workbench.report.statistics.searched import Searched, TrialMean

MOST_TRIALS = 10
SEARCH_WIDTH = 440.0  # pixels of a drawing of all trials: a phone shows it whole and legible


class BestTrials(FigureKind[Findings, Searched]):
    """One figure of a search by one metric."""

    section = "search"
    nothing = "The sweep is no search by one metric, so no trial of it is the best."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Searched]:
        return [source.search] if source.search and not source.pareto else []

    def panels(self, data: Searched, place: int) -> list[Panel]:  # noqa: ARG002
        text = trials_in_words(data.metric, _best(data))
        name = wording.title(data.metric)
        size = (SEARCH_WIDTH, 52.0 + 22 * len(_best(data)))
        return [
            Panel(
                say("best.title", name=name), partial(paint, data=data), "search-best",
                say("best.alt", name=name, text=text), size, (66, 16, 8, 40),
            )
        ]  # fmt: skip

    def caption(self, data: Searched) -> str:  # noqa: ARG002
        return say("best.caption")

    def table(self, data: Searched) -> Table:
        """The settings of the best trials, with mean and interval."""
        rows = [
            (
                str(one.number),
                *(factor.labels[level] for factor, level in zip(data.factors, one.levels, strict=True)),
                wording.amount(one.mean, data.metric), wording.span(*one.interval, data.metric), str(len(one.values)),
            )
            for one in _best(data)
        ]  # fmt: skip
        names = [factor.name.capitalize() for factor in data.factors]
        heads = ("Trial", *names, wording.metric(data.metric).name, "95 % interval", "Seeds")
        return Table("The best trials", heads, tuple(rows), words=1 + len(names))


def trials_in_words(metric: str, trials: Sequence[TrialMean]) -> str:
    """Some trials with what they came to."""
    return commas([
        say("best.trial_with_value", number=one.number, value=wording.amount(one.mean, metric)) for one in trials
    ])  # fmt: skip


def _best(data: Searched) -> list[TrialMean]:
    return data.ranked[:MOST_TRIALS]


def paint(ax: Axes, data: Searched) -> Axes:
    """A row for each of the best trials, the best at the top."""
    colour, best = palette.SLOTS[0].light, _best(data)
    for row, trial in enumerate(best):
        ax.plot(trial.values, [row] * len(trial.values), "o", color=colour, markersize=4, alpha=0.35, markeredgewidth=0)
        if np.isfinite(trial.interval.low):
            ax.plot(trial.interval, [row, row], color=colour, linewidth=2.4, solid_capstyle="butt")
        ax.plot([trial.mean], [row], "o", color=colour, markersize=8, markeredgecolor=palette.SURFACE)
    ax.set_yticks(range(len(best)), [say("best.trial", number=trial.number) for trial in best])
    ax.set_ylim(len(best) - 0.5, -0.5)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    axes.amount_axis(ax.xaxis, data.metric)
    ax.set_xlabel(wording.title(data.metric).lower())
    return ax
