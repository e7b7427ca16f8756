"""How training went in two sweeps that are compared: losses and accuracies by epoch, over the runs that both have.

A mean over other seeds or other settings would show a difference where every pair of runs is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import FigureKind, Key, Panel, Table, legend
from workbench.report.figures.tested import tested_line
from workbench.report.language.words import joined, say, word
from workbench.report.statistics.comparison import Comparison
from workbench.report.statistics.design import SEED, SHOWN_CURVES
from workbench.report.statistics.histories import Evaluations, Histories
from workbench.report.statistics.intervals import over_seeds


@dataclass(frozen=True)
class Curve:
    """A metric by epoch in one sweep: mean over seeds, with its interval; each (epochs,)."""

    label: str
    epochs: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Both:
    """Metric -> its curve in each of the sweeps; `paired`: over runs that have a partner in the other one; `tested`:
    how often each sweep evaluated its test data, if seldom.
    """

    curves: dict[str, tuple[Curve, ...]]
    paired: bool
    tested: tuple[Evaluations | None, ...] = ()


class TwoCurves(FigureKind[Comparison, Both]):
    """One figure, one drawing for each metric."""

    section = "comparison"
    nothing = "The two sweeps share no loss or accuracy over two epochs or more."

    def reduce(self, source: Comparison) -> list[Both]:
        histories = [Histories(side, design) for side, design in zip(source.sides, source.designs, strict=True)]
        metrics = [key for key in SHOWN_CURVES[source.designs[0].task] if all(key in one.metrics for one in histories)]
        if not metrics or any(len(one.epochs) < 2 for one in histories):
            return []
        curves = {metric: _curves(source, histories, metric) for metric in metrics}
        return [Both(curves, source.paired, tuple(one.tested for one in histories))]

    def panels(self, data: Both, place: int) -> list[Panel]:  # noqa: ARG002
        return [
            Panel(
                wording.metric(metric).name, partial(paint, curves=curves, key=metric), f"curves-{metric}",
                say("two.alt", name=wording.metric(metric).name), margins=(48, 8, 10, 38),
                readings=_readings(curves, metric),
            )
            for metric, curves in data.curves.items()
        ]  # fmt: skip

    def caption(self, data: Both) -> str:
        over = say("two.of_pairs" if data.paired else "two.of_cases")
        return joined([over, *dict.fromkeys(map(tested_line, data.tested))])

    def table(self, data: Both) -> Table:
        """The first and the last epoch of each."""
        rows = [
            (wording.metric(metric).name, one.label, *(wording.amount(one.mean[end], metric) for end in (0, -1)))
            for metric, curves in data.curves.items()
            for one in curves
        ]
        return Table("First and last epoch", ("Metric", "Sweep", "First", "Last"), tuple(rows), words=2)

    def legend(self, data: Both) -> tuple[Key, ...]:
        return legend([one.label for one in next(iter(data.curves.values()))])

    def by(self, data: Both) -> str:  # noqa: ARG002
        return "sweep"


def _readings(curves: tuple[Curve, ...], metric: str) -> marks.Readings | None:
    """None if the sweeps have different epochs."""
    first = curves[0].epochs
    if any(not np.array_equal(one.epochs, first) for one in curves):
        return None
    return marks.readings(first.tolist(), np.array([one.mean for one in curves]), metric)


def _curves(source: Comparison, histories: list[Histories], metric: str) -> tuple[Curve, ...]:
    found = []
    for design, one, label, done in zip(source.designs, histories, source.labels, source.in_common(), strict=True):
        place = one.places(metric)
        values = one.of(metric)[0][:, place]
        seeds = design.runs[SEED].to_numpy()
        own = [values[done & (seeds == seed)].mean(axis=0) for seed in design.seeds if (done & (seeds == seed)).any()]
        found.append(Curve(label, one.epochs[place], *over_seeds(np.array(own).T, wording.metric(metric).range)))
    return tuple(found)


def paint(ax: Axes, curves: tuple[Curve, ...], key: str) -> Axes:
    """The mean of each sweep by epoch, and its interval as a band."""
    for arm, (one, slot) in enumerate(zip(curves, palette.slots(len(curves)), strict=True)):
        band = (one.epochs, one.low, one.high)
        ax.fill_between(*band, color=slot.light, alpha=0.16, linewidth=0, gid=marks.part_of(arm))
        mean: axes.LineStyle = {"color": slot.light, "linewidth": 1.9, "linestyle": slot.linestyle}
        ax.plot(one.epochs, one.mean, **mean, gid=marks.curve_of(arm))
    axes.value_axis(ax, key, np.concatenate([one.mean for one in curves]))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel(word("epoch"))
    return ax
