"""What a factor did: the mean at every level with its interval over seeds, one drawing for each metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.effects_in_words import left_out
from workbench.report.figures import axes, palette
from workbench.report.figures.base import FigureKind, Panel, Table
from workbench.report.figures.findings import Findings
from workbench.report.figures.units import in_units
from workbench.report.language.words import commas, joined, say
from workbench.report.statistics.effects import Effect, Spread


@dataclass(frozen=True)
class FactorEffects:
    """The main effects of one factor, by metric, and the spread of its runs at every level."""

    effects: tuple[Effect, ...]
    spreads: tuple[Spread, ...]
    units: str


class MainEffects(FigureKind[Findings, FactorEffects]):
    """A figure for each factor, the one with the largest effect first."""

    section = "factors"
    nothing = "Nothing was swept, so no factor has an effect."

    def reduce(self, source: Findings) -> list[FactorEffects]:
        return [
            FactorEffects(
                tuple(by_factor[factor.key] for by_factor in source.effects.values()),
                tuple(source.spreads[factor.key]), source.units,
            )
            for factor in source.matched_factors
        ]  # fmt: skip

    def panels(self, data: FactorEffects, place: int) -> list[Panel]:
        return [
            Panel(
                wording.title(effect.metric), partial(paint, effect=effect), f"effect-{place}-{effect.metric}",
                say(
                    "effects.alt", title=wording.title(effect.metric), factor=effect.factor.name,
                    means=_means_in_words(effect),
                ),
                margins=(48, 8, 10, 38),
            )
            for effect in data.effects
        ]  # fmt: skip

    def caption(self, data: FactorEffects) -> str:
        first, metrics = data.effects[0], [effect.metric for effect in data.effects]
        seeded = first.seeds > 1
        each = axes.seeds_in_words(first.seeds, say("effects.own_means"))
        faint = each if seeded else say("effects.values")
        key = "effects.with_interval" if seeded else "effects.without_interval"
        within = say("effects.within_seeds") if seeded else ""
        text = joined([say(key, factor=first.factor.name, faint=faint), within, left_out(first)])
        return in_units(text, metrics, data.units)

    def table(self, data: FactorEffects) -> Table:
        """Mean and interval by level on each metric, with the runs behind it and the share lost."""
        heads = ["Level", say("head.runs"), "Lost"]
        for effect in data.effects:
            heads += [wording.metric(effect.metric).name, "95 % interval"]
        rows = []
        for place, spread in enumerate(data.spreads):
            row = [
                spread.label,
                str(data.effects[0].levels[place].runs),
                say("effects.lost", lost=spread.lost, cells=spread.cells),
            ]
            for effect in data.effects:
                level = effect.levels[place]
                row += [wording.amount(level.mean, effect.metric), wording.span(*level.interval, effect.metric)]
            rows.append(tuple(row))
        return Table(say("effects.table", factor=data.effects[0].factor.name), tuple(heads), tuple(rows))

    def about(self, data: FactorEffects) -> str:
        return data.effects[0].factor.key


def paint(ax: Axes, effect: Effect) -> Axes:
    """Mean by level with its interval, and one faint line for each seed; levels are on the x axis in their order."""
    slots = palette.slots_of(effect.factor.key, effect.factor.values)
    seeds = sorted({seed for level in effect.levels for seed, _ in level.points})
    by_level = [dict(level.points) for level in effect.levels]
    paths = np.array([[level.get(seed, np.nan) for level in by_level] for seed in seeds])
    shown = axes.drawn_seeds(paths)
    ax.plot(*axes.as_one_path(np.arange(len(by_level)), shown), color=palette.GUIDE, linewidth=0.8, alpha=0.5)
    for place, (level, slot) in enumerate(zip(effect.levels, slots, strict=True)):
        values: Sequence[float] | np.ndarray = shown[:, place][np.isfinite(shown[:, place])] if len(shown) else []
        ax.plot([place] * len(values), values, "o", color=slot.light, markersize=3.6, alpha=0.45, markeredgewidth=0)
        if np.isfinite(level.interval.low):
            ax.plot([place, place], level.interval, color=slot.light, linewidth=2.4, solid_capstyle="butt")
        ax.plot([place], [level.mean], slot.marker, color=slot.light, markersize=9, markeredgecolor=palette.SURFACE)
    axes.value_axis(ax, effect.metric, paths.ravel())
    axes.name_places(ax.xaxis, [level.label for level in effect.levels])
    ax.set_xlim(-0.5, len(effect.levels) - 0.5)
    ax.set_xlabel(effect.factor.name)
    return ax


def _means_in_words(effect: Effect) -> str:
    return commas([
        say("curves.end", label=level.label, value=wording.amount(level.mean, effect.metric)) for level in effect.levels
    ])  # fmt: skip
