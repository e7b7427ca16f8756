"""The trials of a search by several metrics, over the first two of these, with the Pareto front."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Key, Panel, Table, legend
from workbench.report.figures.best_trials import SEARCH_WIDTH
from workbench.report.figures.findings import Findings
from workbench.report.language.words import commas, joined, say, word
from workbench.report.statistics.pareto import FrontTrial, Pareto


class ParetoFront(FigureKind[Findings, Pareto]):
    """One figure of a search by several metrics."""

    section = "search"
    nothing = "The sweep is no search by several metrics, so it has no Pareto front."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Pareto]:
        return [source.pareto] if source.pareto else []

    def panels(self, data: Pareto, place: int) -> list[Panel]:  # noqa: ARG002
        steps = commas([
            say("best.trial_with_value", number=one.number, value=_values_in_words(data, one)) for one in data.front
        ])  # fmt: skip
        alt = say("pareto.alt", names=_names(data), steps=steps)
        title = word("Pareto front")
        return [Panel(title, partial(paint, data=data), "search-front", alt, (SEARCH_WIDTH, 300), (64, 16, 10, 44))]

    def caption(self, data: Pareto) -> str:  # noqa: ARG002
        return say("pareto.caption")

    def table(self, data: Pareto) -> Table:
        """The settings of the trials on the front, with what they came to."""
        rows = [
            (
                str(one.number),
                *(factor.labels[level] for factor, level in zip(data.factors, one.levels, strict=True)),
                *(wording.amount(mean, metric) for mean, metric in zip(one.means, data.metrics, strict=True)),
            )
            for one in data.front
        ]
        names = [factor.name.capitalize() for factor in data.factors]
        heads = ("Trial", *names, *(_head(metric) for metric in data.metrics))
        return Table("The trials on the Pareto front", heads, tuple(rows), words=1 + len(names))

    def legend(self, data: Pareto) -> tuple[Key, ...]:  # noqa: ARG002
        return legend([word("on the Pareto front"), word("all others")], [palette.SLOTS[1], palette.GREY_SLOT])


def _names(data: Pareto) -> str:
    return wording.listing([wording.metric(metric).noted for metric in data.metrics])


def _head(metric: str) -> str:
    """The name of a metric with its note: two metrics may share the name."""
    found = wording.metric(metric)
    return joined([found.name, found.note], ", ", "，") if found.note else found.name


def _values_in_words(data: Pareto, trial: FrontTrial) -> str:
    return wording.listing([
        wording.amount(mean, metric) for mean, metric in zip(trial.means, data.metrics, strict=True)
    ])  # fmt: skip


def paint(ax: Axes, data: Pareto) -> Axes:
    """All trials over the first two metrics; of two metrics the front as a line of steps around what it beats."""
    for trials, slot, size in ((data.others, palette.GREY_SLOT, 4.5), (data.front, palette.SLOTS[1], 6.5)):
        across, up = ([one.means[place] for one in trials] for place in (0, 1))
        ax.plot(
            across, up, slot.marker, color=slot.light, markersize=size, markeredgewidth=0,
            alpha=1.0 if trials and trials[0].best else 0.55,
        )  # fmt: skip
    if len(data.metrics) == 2:
        ax.plot(
            [one.means[0] for one in data.front], [one.means[1] for one in data.front],
            color=palette.SLOTS[1].light, linewidth=1.5,
            drawstyle="steps-pre" if data.signs[0] > 0 else "steps-post",
        )  # fmt: skip
    for axis, metric in ((ax.xaxis, data.metrics[0]), (ax.yaxis, data.metrics[1])):
        axes.amount_axis(axis, metric)
        axis.set_label_text(wording.title(metric).lower())  # the table has the notes
    return ax
