"""All factors of a sweep at once: how far the best level of each lies from its worst, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.figures.units import in_units
from workbench.report.language.words import cut, say, semicolons
from workbench.report.statistics.effects import Effect

LONGEST_ROW = 40


@dataclass(frozen=True)
class Overview:
    """The effects of all compared factors on the main metric, the largest first."""

    effects: tuple[Effect, ...]
    units: str

    @property
    def metric(self) -> str:
        """The main metric."""
        return self.effects[0].metric


class EffectsOverview(FigureKind[Findings, Overview]):
    """One figure of a sweep of two factors or more."""

    section = "outcome"
    nothing = "Fewer than two factors have levels that can be compared, so there is no overview."
    width = "wide"
    heading = "h3"

    def reduce(self, source: Findings) -> list[Overview]:
        found = tuple(one for one in source.effects[source.design.main].values() if np.isfinite(one.change))
        return [Overview(found, source.units)] if len(found) > 1 and not source.search else []

    def panels(self, data: Overview, place: int) -> list[Panel]:  # noqa: ARG002
        text = semicolons([
            say("importance.one", factor=row(one), value=wording.change(size(one)[0], one.metric, False))
            for one in data.effects
        ])  # fmt: skip
        left = 18 + 6.2 * max(len(row(one)) for one in data.effects)
        return [
            Panel(
                say("overview.title", metric=wording.metric(data.metric).noted), partial(paint, data=data), "overview",
                say("overview.alt", name=wording.metric(data.metric).name.lower(), text=text),
                (axes.beside_names(left), 50 + 26 * len(data.effects)), (left, 24, 8, 40),
            )
        ]  # fmt: skip

    def caption(self, data: Overview) -> str:
        best, worst = wording.metric(data.metric).ends
        text = say("overview.caption", best=best, worst=worst)
        return in_units(text, [data.metric], data.units)

    def table(self, data: Overview) -> Table:
        """The two levels of every factor, with their difference."""
        best, worst = (end.capitalize() for end in wording.metric(data.metric).ends)
        rows = [
            (
                one.factor.name, one.levels[one.top].label, one.levels[one.bottom].label,
                wording.change(size(one)[0], one.metric), wording.between(*size(one)[1:], one.metric),
            )
            for one in data.effects
        ]  # fmt: skip
        heads = ("Factor", best, worst, "Difference", "95 % interval")
        return Table("The effect of every factor", heads, tuple(rows), words=3)


def size(effect: Effect) -> tuple[float, float, float]:
    """The difference as a size, 0 or more, with the ends of its interval on the same side."""
    sign = -1.0 if effect.change < 0 else 1.0
    low, high = sorted(sign * end for end in effect.interval)
    return sign * effect.change, low, high


def row(effect: Effect) -> str:
    """The factor with its two levels, short enough for an axis."""
    best, worst = effect.levels[effect.top].label, effect.levels[effect.bottom].label
    return cut(say("overview.row", factor=effect.factor.name, best=best, worst=worst), LONGEST_ROW)


def paint(ax: Axes, data: Overview) -> Axes:
    """A row for each factor, the largest difference at the top."""
    colour, rows = palette.SLOTS[0].light, range(len(data.effects))
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    sizes: Sequence[tuple[float, float, float]] = [size(one) for one in data.effects]
    for place, (change, low, high) in zip(rows, sizes, strict=True):
        if np.isfinite(low):
            ax.plot([low, high], [place, place], color=colour, linewidth=2.8, solid_capstyle="butt")
        ax.plot([change], [place], "o", color=colour, markersize=8, markeredgecolor=palette.SURFACE)
    ax.set_yticks(rows, [row(one) for one in data.effects])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    axes.change_axis(ax, data.metric)
    return ax
