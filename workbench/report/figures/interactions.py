"""How two factors combine: means over both, as lines with intervals or, if these would be many, as a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import FigureKind, Key, Panel, Table, legend
from workbench.report.figures.findings import Findings
from workbench.report.figures.heat_maps import heat_map, heat_scale
from workbench.report.figures.units import in_units
from workbench.report.language.words import commas, say, semicolons
from workbench.report.statistics.effects import Interaction

MOST_PAIRS = 15
MOST_LINES = 8


@dataclass(frozen=True)
class Pair:
    """Two factors, together on each metric."""

    metrics: tuple[Interaction, ...]
    units: str

    @property
    def as_lines(self) -> bool:
        """Whether the second factor has few enough levels for a line each."""
        return len(self.metrics[0].second.values) <= MOST_LINES


class Interactions(FigureKind[Findings, Pair]):
    """A figure for each pair of factors, the strongest first."""

    section = "interactions"
    nothing = "Fewer than two factors were swept, so none combine."

    def reduce(self, source: Findings) -> list[Pair]:
        return [Pair(tuple(pair), source.units) for pair in source.pairs[:MOST_PAIRS]]

    def panels(self, data: Pair, place: int) -> list[Panel]:
        return [_panel(one, f"pair-{place}-{one.metric}", data.as_lines) for one in data.metrics]

    def caption(self, data: Pair) -> str:
        first = data.metrics[0]
        text = say("pairs.missing")
        if np.isfinite(first.size):
            name, size = wording.metric(first.metric).name.lower(), wording.change(first.size, first.metric, False)
            text = say("pairs.departure", name=name, size=size)
        return in_units(text, [one.metric for one in data.metrics], data.units)

    def table(self, data: Pair) -> Table:
        """Means and intervals over the levels of two factors, for each metric."""
        first, second = data.metrics[0].first, data.metrics[0].second
        heads = [first.name.capitalize(), second.name.capitalize()]
        for one in data.metrics:
            heads += [wording.metric(one.metric).name, "95 % interval"]
        rows = []
        for (row, label), (column, other) in product(enumerate(first.labels), enumerate(second.labels)):
            line = [label, other]
            for one in data.metrics:
                span = wording.span(one.low[row, column], one.high[row, column], one.metric)
                line += [wording.amount(one.means[row, column], one.metric), span]
            rows.append(tuple(line))
        return Table(say("pairs.table", first=first.name, second=second.name), tuple(heads), tuple(rows), words=2)

    def title(self, data: Pair) -> str:
        return say("pairs.title", first=data.metrics[0].first.name, second=data.metrics[0].second.name)

    def legend(self, data: Pair) -> tuple[Key, ...]:
        second = data.metrics[0].second
        return legend(second.labels, palette.slots_of(second.key, second.values)) if data.as_lines else ()

    def legend_of(self, data: Pair) -> str:
        return data.metrics[0].second.name

    def by(self, data: Pair) -> str:
        return data.metrics[0].second.key if data.as_lines else ""


def _panel(one: Interaction, identity: str, as_lines: bool) -> Panel:
    rows = [
        say("pairs.row", label=label, means=commas([
            say("curves.end", label=other, value=wording.amount(value, one.metric))
            for other, value in zip(one.second.labels, row, strict=True)
        ]))
        for label, row in zip(one.first.labels, one.means, strict=True)
    ]  # fmt: skip
    title = wording.title(one.metric)
    alt = say("pairs.alt", title=title, first=one.first.name, second=one.second.name, text=semicolons(rows))
    if as_lines:
        return Panel(title, partial(paint, pair=one), identity, alt, (340, 206), (48, 8, 10, 40))
    painted = partial(paint_heat, pair=one)
    left = 32 + 7 * min(axes.LONGEST_LABEL, max(map(len, one.first.labels)))
    return Panel(title, painted, identity, alt, (340, 58 + 20 * min(len(one.means), 14)), (left, 10, 6, 42))


def paint_heat(ax: Axes, pair: Interaction) -> Axes:
    """The means as cells, a row for each level of the first factor, a column for each of the second."""
    heat_map(ax, pair.means, pair.first.labels, pair.second.labels, heat_scale(pair.means))
    ax.set_xlabel(pair.second.name)
    ax.set_ylabel(pair.first.name)
    return ax


def paint(ax: Axes, pair: Interaction) -> Axes:
    """Means over the levels of the first factor, a line for each level of the second, with intervals over seeds;
    faint: each seed. Parallel lines mean that the two factors simply add up.
    """
    count = len(pair.second.labels)
    for column, slot in enumerate(palette.slots_of(pair.second.key, pair.second.values)):
        places = np.arange(len(pair.first.labels)) + 0.07 * (column - (count - 1) / 2)
        seeds = pair.points[:, column].T
        seeds = seeds[np.isfinite(seeds).any(axis=1)]
        if len(seeds) > 1:
            path = axes.as_one_path(places, axes.drawn_seeds(seeds))
            ax.plot(*path, color=slot.light, linewidth=0.7, alpha=axes.FAINT, gid=marks.part_of(column))
        for place, low, high in zip(places, pair.low[:, column], pair.high[:, column], strict=True):
            if np.isfinite(low):
                ends = ([place, place], [low, high])
                ax.plot(*ends, color=slot.light, linewidth=2.2, solid_capstyle="butt", gid=marks.part_of(column))
        style: axes.LineStyle = {"marker": slot.marker, "markersize": 6.5, "markeredgecolor": palette.SURFACE}
        style |= {"color": slot.light, "linewidth": 1.7, "linestyle": slot.linestyle}
        ax.plot(places, pair.means[:, column], **style, gid=marks.part_of(column))
    axes.value_axis(ax, pair.metric, pair.points.ravel())
    axes.name_places(ax.xaxis, pair.first.labels)
    ax.set_xlim(-0.5, len(pair.first.labels) - 0.5)
    ax.set_xlabel(pair.first.name)
    return ax
