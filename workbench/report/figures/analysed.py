"""What the analyses measured of the networks when their runs ended, by the factor that moved the result most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.measure import ANALYSES
from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import FigureKind, Key, Panel, Table, legend
from workbench.report.figures.findings import Findings
from workbench.report.language.words import begun, say, semicolons, word
from workbench.report.statistics.design import SEED, Factor
from workbench.report.statistics.intervals import over_seeds

MOST_METRICS = 6  # of an analysis
# Tables of analyses that are curves: table -> what it is over, in words, and the metric that its column is written as.
DRAWN_AS_CURVES = {
    "pruning": ("pruned", "share of the weights set to zero", "accuracy"),
    "linear_probes": ("layer", "layer (0: the inputs)", "accuracy"),
}


@dataclass(frozen=True)
class Groups:
    """Some numbers by a factor's levels, or of all runs if none was swept: label -> (seeds, places) values, each the
    mean of a seed's runs.

    `places` are where they stand on the x axis: levels of the factor, or the places of a curve. `named` says that they
    have no size of their own, only names: `ticks`. `factor`, its `key` and `slots` are what the labels distinguish.
    """

    name: str
    metric: str
    over: str
    places: tuple[float, ...]
    ticks: tuple[str, ...]
    values: dict[str, np.ndarray]
    named: bool = False
    factor: str = ""
    key: str = ""
    slots: tuple[palette.Slot, ...] = palette.SLOTS[:1]

    def mean(self, label: str) -> np.ndarray:
        """The means over seeds, (places,)."""
        return over_seeds(self.values[label].T)[0]

    def ends(self, label: str) -> tuple[np.ndarray, np.ndarray]:
        """The ends of their 95 % intervals over seeds."""
        _, low, high = over_seeds(self.values[label].T, wording.metric(self.metric).range)
        return low, high


@dataclass(frozen=True)
class Analysed:
    """One analysis: its metrics by the levels of a factor, and its curves."""

    name: str
    summary: str
    groups: tuple[Groups, ...]


class Analyses(FigureKind[Findings, Analysed]):
    """A figure for each analysis that a finished run asked for, and that gives numbers."""

    section = "analyses"
    nothing = "No finished run asked for an analysis that gives numbers."
    heading = "h4"

    def reduce(self, source: Findings) -> list[Analysed]:
        done = source.design.runs[source.design.runs["outcome"] == "finished"]
        factor = source.factors[0] if source.factors and not source.search else None
        found = [_analysed(source, name, done, factor) for name in asked(source)]
        return [one for one in found if one.groups]

    def panels(self, data: Analysed, place: int) -> list[Panel]:
        return [
            Panel(group.name, partial(paint, group=group), f"analysed-{place}-{number}", _alt(group))
            for number, group in enumerate(data.groups)
        ]

    def caption(self, data: Analysed) -> str:
        return say("analysed.caption", summary=begun(data.summary))

    def table(self, data: Analysed) -> Table:
        rows = [
            (group.name, label, tick, *(wording.amount(float(one), group.metric) for one in (mean, low, high)))
            for group in data.groups
            for label in group.values
            for tick, mean, low, high in zip(group.ticks, group.mean(label), *group.ends(label), strict=True)
        ]
        caption = say("analysed.table", name=word(data.name))
        return Table(caption, ("Number", "Of", "At", "Mean", "95 % from", "to"), tuple(rows), words=3)

    def title(self, data: Analysed) -> str:
        return word(data.name.replace("_", " "))

    def legend(self, data: Analysed) -> tuple[Key, ...]:
        curves = [group for group in data.groups if len(group.values) > 1]
        return legend(list(curves[0].values), curves[0].slots) if curves else ()

    def legend_of(self, data: Analysed) -> str:
        return next((group.factor for group in data.groups if len(group.values) > 1), "")

    def by(self, data: Analysed) -> str:
        return next((group.key for group in data.groups if len(group.values) > 1), "")


def asked(source: Findings) -> list[str]:
    """The analyses that finished runs asked for, in the order of our table; a person's own come last."""
    runs = source.design.runs
    if "analyses" not in runs:
        return []
    texts = runs.loc[runs["outcome"] == "finished", "analyses"].dropna().astype(str).unique()
    names = {name for text in texts for name in text.split("+") if name}
    return [*(name for name in ANALYSES if name in names), *sorted(names - set(ANALYSES))]


def _analysed(source: Findings, name: str, done: pd.DataFrame, factor: Factor | None) -> Analysed:
    row = ANALYSES.get(name)
    metrics = [key for key in (row.returns if row else ()) if key in done and done[key].notna().any()]
    groups = [_of_metric(key, done, factor) for key in metrics[:MOST_METRICS]]
    if name in DRAWN_AS_CURVES and (table := source.tables.tables.get(name)) is not None:
        groups = [_curve(name, table, done, factor)]
    return Analysed(name, word(row.summary) if row else name, tuple(groups))


def _of_metric(key: str, done: pd.DataFrame, factor: Factor | None) -> Groups:
    """A metric at every level of the factor, NaN if a seed has no run there."""
    name = wording.metric(key).name
    level = done[f"level:{factor.key}"] if factor else 0
    numbers = done[[SEED]].assign(level=level, number=done[key].astype(float))
    ticks = factor.labels if factor else (word("all runs"),)
    wide = numbers.pivot_table(index=SEED, columns="level", values="number").reindex(columns=range(len(ticks)))
    places = tuple(map(float, range(len(ticks))))
    values = {word("all runs"): wide.to_numpy(dtype=float)}
    return Groups(name, key, factor.name if factor else "", places, ticks, values, named=True)


def _curve(name: str, table: pd.DataFrame, done: pd.DataFrame, factor: Factor | None) -> Groups:
    over, words, column = DRAWN_AS_CURVES[name]
    rows = table[table["network"] == "trained"] if "network" in table else table
    key = f"level:{factor.key}" if factor else "cell"
    joined = rows.merge(done[["cell", SEED, *([key] if factor else [])]], on="cell")
    places = sorted(joined[over].unique())
    values: dict[str, np.ndarray] = {}
    slots = palette.slots_of(factor.key, factor.values) if factor else palette.SLOTS[:1]
    held = []
    for level, label in enumerate(factor.labels if factor else (word("all runs"),)):
        mine = joined[joined[key] == level] if factor else joined
        if len(mine):
            held.append(slots[level])
            wide = mine.pivot_table(index=SEED, columns=over, values=column).reindex(columns=places)
            values[label] = wide.to_numpy(dtype=float)
    ticks = tuple(f"{100 * place:g} %" if over == "pruned" else f"{place:g}" for place in places)
    title = "Test accuracy once the smallest weights are zero" if name == "pruning" else "How well a layer is read"
    spots = tuple(map(float, places))
    of, factor_key = (factor.name, factor.key) if factor else ("", "")
    return Groups(
        word(title), "test_accuracy", word(words), spots, ticks, values, factor=of, key=factor_key, slots=tuple(held)
    )


def _alt(group: Groups) -> str:
    ends = [
        say(
            "analysed.end", label=label, begin=group.ticks[0], end=group.ticks[-1],
            first=wording.amount(float(group.mean(label)[0]), group.metric),
            last=wording.amount(float(group.mean(label)[-1]), group.metric),
        )
        for label in list(group.values)[:4]
    ]  # fmt: skip
    return say("figure.alt", name=group.name, text=semicolons(ends))


def paint(ax: Axes, group: Groups) -> Axes:
    """Means joined by lines, with bands, or bars of error where there are levels and no curve."""
    every = []
    for arm, (label, slot) in enumerate(zip(group.values, group.slots, strict=True)):
        mean, (low, high) = group.mean(label), group.ends(label)
        ends = np.column_stack([low, high, np.full(len(low), np.nan)]).ravel()
        ax.plot(np.repeat(group.places, 3), ends, color=slot.light, linewidth=1.2, alpha=0.6, gid=marks.part_of(arm))
        ax.plot(
            group.places, mean, color=slot.light, linestyle=slot.linestyle, linewidth=1.9, marker=slot.marker,
            markersize=5.5, markeredgecolor=palette.SURFACE, gid=marks.part_of(arm),
        )  # fmt: skip
        every += [mean, low, high]
    together = np.concatenate(every)
    axes.value_axis(ax, group.metric, together[np.isfinite(together)])
    if group.named:
        axes.name_places(ax.xaxis, group.ticks)
    elif len(group.places) <= 8:
        ax.set_xticks(group.places, axes.apart(axes.shortened(group.ticks), group.places))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(6))
    if len(group.places) == 1:
        ax.set_xlim(group.places[0] - 1, group.places[0] + 1)
    ax.set_xlabel(group.over)
    return ax
