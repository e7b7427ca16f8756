"""The spread of the runs at every level of a factor: each finished run, the median, the range from worst to best."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.figures.units import in_units
from workbench.report.language.words import say, semicolons
from workbench.report.statistics.design import Factor
from workbench.report.statistics.effects import Spread

MOST_DOTS = 240  # of one level


@dataclass(frozen=True)
class FactorSpread:
    """The runs at every level of a factor, by one metric."""

    factor: Factor
    metric: str
    levels: tuple[Spread, ...]
    units: str


class Spreads(FigureKind[Findings, FactorSpread]):
    """A figure for each factor, the one with the largest effect first."""

    section = "sensitivity"
    nothing = "Nothing was swept, so no factor has levels to compare."
    heading = "h3"

    def reduce(self, source: Findings) -> list[FactorSpread]:
        if source.search:
            return []
        main, units = source.design.main, source.units
        return [FactorSpread(one, main, tuple(source.spreads[one.key]), units) for one in source.factors]

    def panels(self, data: FactorSpread, place: int) -> list[Panel]:
        key, ends = data.metric, wording.metric(data.metric).ends
        text = semicolons([
            say(
                "spread.level", label=one.label, first=ends[0], last=ends[1], best=wording.amount(one.best, key),
                median=wording.amount(one.median, key), worst=wording.amount(one.worst, key),
            )
            for one in data.levels if len(one.values)
        ])  # fmt: skip
        left = 18 + 7 * min(axes.LONGEST_LABEL, max(len(one.label) for one in data.levels))
        return [
            Panel(
                data.factor.name.capitalize(), partial(paint, data=data), f"spread-{place}-spread",
                say("spread.alt", factor=data.factor.name, text=text),
                size=(340, 58 + 32 * min(len(data.levels), 12)), margins=(left, 16, 8, 40),
            )
        ]  # fmt: skip

    def caption(self, data: FactorSpread) -> str:
        return in_units("", [data.metric], data.units)

    def table(self, data: FactorSpread) -> Table:
        """Best, median and worst run by level."""
        rows = [
            (
                one.label,
                *(wording.amount(end, data.metric) for end in (one.best, one.median, one.worst)),
                say("effects.lost", lost=one.lost, cells=one.cells),
            )
            for one in data.levels
        ]
        name = wording.metric(data.metric).name.lower()
        high, low = (end.capitalize() for end in wording.metric(data.metric).ends)
        heads = ("Level", high, "Median", low, "Lost")
        return Table(say("spread.table", name=name, factor=data.factor.name), heads, tuple(rows))


def paint(ax: Axes, data: FactorSpread) -> Axes:
    """Every finished run at every level, the range from worst to best, and the median."""
    slots = palette.slots_of(data.factor.key, data.factor.values)
    for place, (one, slot) in enumerate(zip(data.levels, slots, strict=True)):
        if not len(one.values):
            continue
        ax.plot([one.worst, one.best], [place, place], color=slot.light, linewidth=1.4, alpha=0.55)
        dots = np.repeat(
            _thinned(one.values), 2
        )  # a line of length zero with round ends is a dot, so one path draws all
        dots = np.insert(dots, np.arange(2, len(dots) + 1, 2), np.nan)
        ax.plot(
            dots, np.full(len(dots), place + 0.26), color=slot.light, linewidth=2.6, alpha=axes.FAINT,
            solid_capstyle="round",
        )  # fmt: skip
        ax.plot([one.median], [place], slot.marker, color=slot.light, markersize=9, markeredgecolor=palette.SURFACE)
    axes.name_places(ax.yaxis, [one.label for one in data.levels], 14)
    ax.set_ylim(len(data.levels) - 0.5, -0.5)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    axes.amount_axis(ax.xaxis, data.metric, 5)
    ax.set_xlabel(wording.title(data.metric).lower())
    return ax


def _thinned(values: np.ndarray) -> np.ndarray:
    """The values in order; of very many, evenly spread quantiles, the smallest and the largest among them."""
    ordered = np.sort(values)
    return ordered if len(ordered) <= MOST_DOTS else np.quantile(ordered, np.linspace(0, 1, MOST_DOTS))
