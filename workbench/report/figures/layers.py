"""What happens inside the network: a probe by layer at the end of the runs, and by layer and epoch as heat maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from workbench.engine.rules.probes import PROBES
from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import MOST_COLUMNS, FigureKind, Key, Panel, Table, legend, sampled
from workbench.report.figures.findings import Findings
from workbench.report.figures.heat_maps import heat_map, heat_scale
from workbench.report.language.words import begun, joined, say, word
from workbench.report.statistics.design import SEED, Design, Factor
from workbench.report.statistics.intervals import over_seeds

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

DEPTH_KEY, ACTIVATION = "network.depth", "network.activation"
FIRST_PROBES = ("gradient_z", "gradient_weights", "update_size", "dead", "saturated")  # the most informative first
MOST_EPOCHS_BY_LAYER = 32  # drawn in a heat map
MOST_MAPS = 5


@dataclass(frozen=True)
class OneProbe:
    """A probe by layer and epoch for every level of a factor, at one depth.

    `maps` (levels, layers, epochs) are means over runs; `profiles` (levels, seeds, layers) means within each seed, at
    the end of the runs. Both of log10 of the probe if `logarithmic`. A probe taken once a run has no epochs to map.
    `slots` are None if all runs stand together.
    """

    probe: str
    logarithmic: bool
    depth: int
    factor: str
    key: str
    labels: tuple[str, ...]
    slots: tuple[palette.Slot, ...] | None
    numbers: np.ndarray
    epochs: np.ndarray
    maps: np.ndarray
    profiles: np.ndarray
    runs: int

    @property
    def name(self) -> str:
        """The probe in words."""
        return word(self.probe.replace("_", " "))

    @property
    def ends(self) -> np.ndarray:
        """Means over seeds at the end of the runs: (levels, layers)."""
        return over_seeds(self.profiles.swapaxes(1, 2))[0]

    @property
    def mapped(self) -> list[int]:
        """The levels that have a map."""
        held = [level for level, values in enumerate(self.maps) if np.isfinite(values).any()]
        return held if len(self.epochs) > 1 else []

    @property
    def drawn(self) -> list[int]:
        """The levels whose maps are drawn."""
        return [self.mapped[place] for place in sampled(len(self.mapped), MOST_MAPS)]

    def shown(self, value: float) -> str:
        """A value of `maps` or `ends` in words."""
        return wording.number(10.0**value if self.logarithmic else value)


class Layers(FigureKind[Findings, OneProbe]):
    """A figure for each probe: of the deepest runs, by activation if it was swept, else by the first other factor."""

    section = "layers"
    nothing = "The sweep holds no probe of a finished run, so nothing is known of its layers."

    def reduce(self, source: Findings) -> list[OneProbe]:
        design = source.design
        rows, depth = deepest(source.tables, design)
        by = [factor for factor in design.factors if factor.key == ACTIVATION]
        by += [factor for factor in design.factors if factor.key not in (DEPTH_KEY, ACTIVATION)]
        factor = by[0] if by and not source.search else None
        return [one_probe(design, rows, probe, factor, depth) for probe in probe_names(rows)]

    def panels(self, data: OneProbe, place: int) -> list[Panel]:
        ends = Panel(
            word("At the end of the runs"), partial(paint_ends, data=data), f"probe-{place}-profile",
            say("probe.ends_alt", name=data.name), margins=(56, 8, 10, 38),
        )  # fmt: skip
        norm = heat_scale(data.maps)
        maps = [
            Panel(
                data.labels[level] if data.key else word("By layer and epoch"),
                partial(paint_map, data=data, level=level, norm=norm), f"probe-{place}-{level}",
                say("probe.map_alt", name=data.name, label=data.labels[level]), margins=(48, 8, 10, 38),
            )
            for level in data.drawn
        ]  # fmt: skip
        return [ends, *maps]

    def caption(self, data: OneProbe) -> str:
        summary = begun(word(PROBES[data.probe].summary) if data.probe in PROBES else data.name)
        key = "probe.geometric_means" if data.logarithmic else "probe.means"
        text = say(key, summary=summary, runs=wording.plural(data.runs, "run"), depth=data.depth)
        if len(data.drawn) < len(data.mapped):
            return joined([text, say("probe.some_maps", some=len(data.drawn), all=len(data.mapped))])
        return text

    def table(self, data: OneProbe) -> Table:
        """A probe by level and layer: at a few epochs, and at the end."""
        places = sampled(len(data.epochs), MOST_COLUMNS)
        ends = data.ends
        rows = [
            (
                label, str(number), *(data.shown(data.maps[level, row, place]) for place in places),
                data.shown(ends[level, row]),
            )
            for level, label in enumerate(data.labels)
            for row, number in enumerate(data.numbers)
        ]  # fmt: skip
        heads = ("Level", "Layer", *(say("head.epoch", epoch=data.epochs[place]) for place in places), "End of run")
        return Table(wording.metric(data.probe).name, heads, tuple(rows), words=2)

    def title(self, data: OneProbe) -> str:
        return data.name.capitalize()

    def legend(self, data: OneProbe) -> tuple[Key, ...]:
        return legend(data.labels, data.slots) if data.slots else ()

    def legend_of(self, data: OneProbe) -> str:
        return data.factor

    def by(self, data: OneProbe) -> str:
        return data.key

    def scale(self, data: OneProbe) -> tuple[str, str] | None:
        if not data.drawn:
            return None
        norm = heat_scale(data.maps)
        return data.shown(norm.vmin or 0.0), data.shown(norm.vmax or 0.0)


def probe_names(rows: pd.DataFrame) -> list[str]:
    """The probes a sweep holds: those about gradients first, then in the engine's order, then any other."""
    known = [*FIRST_PROBES, *(name for name in PROBES if name not in FIRST_PROBES)]
    held = sorted(rows["probe"].unique()) if len(rows) else []
    return [name for name in known if name in held] + [name for name in held if name not in known]


def _scaled(values: np.ndarray) -> tuple[np.ndarray, bool]:
    """The values; or their log10 if they are positive (except zeros) and span more than a factor of 30."""
    values = np.where(np.isfinite(values), values, np.nan)
    positive = values[values > 0]
    if not len(positive) or (values < 0).any() or positive.max() < 30 * positive.min():
        return values, False
    return np.log10(np.where(values > 0, values, np.nan)), True


def deepest(tables: SweepTables, design: Design) -> tuple[pd.DataFrame, int]:
    """The rows of the table of layers of the deepest finished runs, and their depth."""
    rows = tables.layers
    if not len(rows):
        return rows, 0
    most = rows.groupby("cell")["layer"].max()
    most = most[most.index.isin(design.runs.loc[design.runs["outcome"] == "finished", "cell"])]
    if not len(most):
        return rows.iloc[:0], 0
    chosen = rows["cell"].isin(most.index[most == most.max()])
    return rows if chosen.all() else rows[chosen], int(most.max()) - 1  # a copy may be gigabytes


def one_probe(design: Design, rows: pd.DataFrame, probe: str, factor: Factor | None, depth: int) -> OneProbe:
    """One probe of the `deepest` rows, by the levels of `factor` (None: all runs together)."""
    rows = rows[rows["probe"] == probe]
    scaled, logarithmic = _scaled(rows["value"].to_numpy(dtype=float))
    about = design.runs.set_index("cell")
    run = about.index.get_indexer(pd.Index(rows["cell"]))
    level = about[f"level:{factor.key}"].to_numpy(np.int32)[run] if factor else np.zeros(len(rows), np.int32)
    table = pd.DataFrame({
        "level": level, "layer": rows["layer"].to_numpy(), "epoch": rows["epoch"].to_numpy(), "value": scaled,
    })  # fmt: skip
    last = ~rows.duplicated(["cell", "layer"], keep="last").to_numpy()  # rows are by cell, then by epoch
    epochs = np.sort(table["epoch"].unique())
    epochs = epochs[: 0 if last.all() else None]
    epochs = epochs[sampled(len(epochs), MOST_EPOCHS_BY_LAYER)]
    numbers = np.sort(table["layer"].unique())
    labels = factor.labels if factor else (word("all runs"),)
    means = table.groupby(["level", "layer", "epoch"])["value"].mean()
    grid = pd.MultiIndex.from_product([range(len(labels)), numbers, epochs])
    maps = means.reindex(grid).to_numpy().reshape(len(labels), len(numbers), len(epochs))
    ends = table[last].assign(seed=about[SEED].to_numpy()[run[last]]).sort_values("epoch", kind="stable")
    within = ends.groupby(["level", "seed", "layer"])["value"].mean()
    grid = pd.MultiIndex.from_product([range(len(labels)), design.seeds, numbers])
    profiles = within.reindex(grid).to_numpy().reshape(len(labels), len(design.seeds), len(numbers))
    slots = palette.slots_of(factor.key, factor.values) if factor else None
    held = int(rows["cell"].nunique())
    name, key = (factor.name, factor.key) if factor else ("", "")
    return OneProbe(probe, logarithmic, depth, name, key, labels, slots, numbers, epochs, maps, profiles, held)


def paint_ends(ax: Axes, data: OneProbe) -> Axes:
    """A probe by layer at the end of training: one faint line for each seed, and the mean."""
    means = data.ends
    for level, slot in enumerate(data.slots or (palette.SLOTS[0],)):
        held = data.profiles[level]
        held = held[~np.isnan(held).all(axis=1)]
        if not len(held):
            continue
        if len(held) > 1:
            path = axes.as_one_path(data.numbers, axes.drawn_seeds(held))
            ax.plot(*path, color=slot.light, linewidth=0.7, alpha=axes.FAINT, gid=marks.part_of(level))
        counted = np.isfinite(means[level])
        style: axes.LineStyle = {
            "color": slot.light,
            "marker": slot.marker,
            "markersize": 5.5,
            "markeredgecolor": palette.SURFACE,
        }
        style |= {"color": slot.light, "linestyle": slot.linestyle, "linewidth": 1.9}
        ax.plot(data.numbers[counted], means[level][counted], **style, gid=marks.part_of(level))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=axes.TICK_STEPS, min_n_ticks=3))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: axes.tick(y)))
    if data.logarithmic:
        powers = axes.decades(*ax.get_ylim())
        ax.yaxis.set_major_locator(FixedLocator(powers))
        ax.yaxis.set_major_formatter(axes.powers_in_words(powers))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.set_xlabel(word("layer (last: output)"))
    return ax


def paint_map(ax: Axes, data: OneProbe, level: int, norm: Normalize) -> Axes:
    """A probe by layer (input at the bottom) and epoch, at one level of the factor."""
    epochs = [str(epoch) for epoch in data.epochs]
    ax = heat_map(ax, data.maps[level], [str(number) for number in data.numbers], epochs, norm)
    ax.invert_yaxis()
    ax.set_xlabel(word("epoch"))
    ax.set_ylabel(word("layer"))
    return ax
