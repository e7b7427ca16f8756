"""Ready-made drawings for the figures of an experiment file: lines, and a heat map.

Each is a small value that says which columns of a tidy frame go where; called with axes, it paints. If the frame has a
column `seed`, every seed is drawn faintly behind the mean and its 95 % interval.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.heat_maps import heat_map
from workbench.report.language import texts
from workbench.report.statistics.intervals import over_seeds


class Drawing:
    """What the page needs of a drawing besides the painting: its legend, its heat scale, the measured column."""

    value: str

    @property
    def by_logarithm(self) -> tuple[str, ...]:
        """The columns whose numbers are drawn by their logarithm, and so above 0 alone."""
        return ()

    def __call__(self, ax: Axes, rows: pd.DataFrame, everything: pd.DataFrame) -> Axes:
        """Paint `rows`; colours and scales are those of `everything`, so that panels can be compared."""
        raise NotImplementedError

    def labels(self, everything: pd.DataFrame) -> list[str]:  # noqa: ARG002
        """The values that have a colour each, in order."""
        return []

    def slots(self, everything: pd.DataFrame) -> Sequence[palette.Slot]:
        """The colour, marker and dash of each of them."""
        return palette.slots(len(self.labels(everything)))

    def scale(self, everything: pd.DataFrame) -> tuple[str, str] | None:  # noqa: ARG002
        """The ends of the heat scale in words."""
        return None


@dataclass(frozen=True)
class Lines(Drawing):
    """`value` over `x`, a line for each value of `by`.

    `x` is a column of numbers, or of words, which then stand evenly in their order. `log_x`, `log_y`: logarithmic axes.
    `guides` are heights (of the value) that carry a thin line: chance, a margin, zero; `marks` are such places of `x`.
    `as_given`: a line joins its points in the order of the rows, as a path through both values, and not from left to
    right. `own_scale`: each panel has its own y axis, for panels of different quantities.
    """

    x: str
    value: str
    by: str = ""
    log_x: bool = False
    log_y: bool = False
    guides: tuple[float, ...] = ()
    as_given: bool = False
    own_scale: bool = False
    marks: tuple[float, ...] = ()

    @property
    def by_logarithm(self) -> tuple[str, ...]:
        return (self.x,) * self.log_x + (self.value,) * self.log_y

    @property
    def within(self) -> tuple[float, float]:
        """The range of the values: that of their metric; on a logarithmic axis they are above 0 at least."""
        known = wording.metric(self.value).range
        return wording.FROM_ZERO if self.log_y and known == wording.ANYTHING else known

    def labels(self, everything: pd.DataFrame) -> list[str]:
        return list(wording.labels(list(everything[self.by].unique()))) if self.by else []

    def slots(self, everything: pd.DataFrame) -> Sequence[palette.Slot]:
        return palette.slots_of(self.by, list(everything[self.by].unique())) if self.by else palette.slots(1)

    def __call__(self, ax: Axes, rows: pd.DataFrame, everything: pd.DataFrame) -> Axes:
        for height in self.guides:
            ax.axhline(height, color=palette.GUIDE, linewidth=0.9)
        for place in self.marks:
            ax.axvline(place, color=palette.MUTED, linewidth=1.1, linestyle=(0, (3, 2)))
        levels = list(everything[self.by].unique()) if self.by else [None]
        spots = _places(everything[self.x])
        for arm, (level, slot) in enumerate(zip(levels, self.slots(everything), strict=True)):
            mine = rows if level is None else rows[rows[self.by] == level]
            if len(mine):
                self._line(ax, mine, spots, slot, marks.part_of(arm))
        self._axes(ax, everything, spots, rows if self.own_scale else everything)
        return ax

    def _line(self, ax: Axes, rows: pd.DataFrame, spots: dict[Hashable, float], slot: palette.Slot, part: str) -> None:
        if "seed" in rows:
            table = rows.pivot_table(index="seed", columns=self.x, values=self.value, aggfunc="mean", sort=False)
        else:
            table = rows.groupby(self.x, sort=False)[[self.value]].mean().T
        if not self.as_given:
            table = table[sorted(table.columns, key=spots.__getitem__)]
        places, seeds = np.array([spots[name] for name in table.columns]), table.to_numpy(dtype=float)
        if len(seeds) > 1:
            ax.plot(*axes.as_one_path(places, seeds), color=slot.light, linewidth=0.7, alpha=axes.FAINT, gid=part)
            _, low, high = over_seeds(seeds.T, self.within)
            ax.fill_between(places, low, high, color=slot.light, alpha=0.16, linewidth=0, gid=part)
        style: axes.LineStyle = {"linestyle": slot.linestyle, "linewidth": 1.9}
        if len(places) <= 16:
            style |= {"marker": slot.marker, "markersize": 5.5, "markeredgecolor": palette.SURFACE}
        ax.plot(places, np.nanmean(seeds, axis=0), color=slot.light, **style, gid=part)

    def _axes(self, ax: Axes, everything: pd.DataFrame, spots: dict[Hashable, float], scaled: pd.DataFrame) -> None:
        percent = wording.metric(self.value).percent
        values = scaled[self.value].to_numpy(dtype=float)
        ax.set_ylim(
            *_room([*values, *self.guides], self.log_y)
        )  # of the seeds alone: an interval may reach beyond the axes
        if self.log_y:
            ax.set_yscale("log")
            ax.yaxis.set_minor_locator(NullLocator())
            _decades(ax.yaxis, values)
        else:
            ax.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _tick(y, percent)))
        if not pd.api.types.is_numeric_dtype(everything[self.x]):
            axes.name_places(ax.xaxis, _labels(spots))
            axes.keep_names_inside(ax)
        elif self.log_x:
            logarithmic_x(ax, np.array(list(spots.values())))
        elif len(spots) <= 8:
            ax.set_xticks(
                list(spots.values()), axes.apart(axes.shortened(wording.labels(list(spots))), list(spots.values()))
            )
        else:
            whole = all(float(spot).is_integer() for spot in spots.values())
            ax.xaxis.set_major_locator(MaxNLocator(6, integer=whole, steps=axes.TICK_STEPS))
            ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _tick(x, False)))
        ax.set_xlabel(_name(self.x))


@dataclass(frozen=True)
class Heat(Drawing):
    """The mean of `value` by `x` (columns) and `y` (rows, the first at the top, or at the bottom with `upwards`).

    `log`: the colours follow log10 of the value, whose geometric mean is shown. `written`: numbers in the cells.
    """

    x: str
    y: str
    value: str
    log: bool = False
    written: bool = False
    upwards: bool = False

    @property
    def by_logarithm(self) -> tuple[str, ...]:
        return (self.value,) * self.log

    def _norm(self, everything: pd.DataFrame) -> Normalize:
        panels = [name for name in everything if name not in ("seed", self.value)]
        means = self._scaled(everything).groupby([everything[name] for name in panels], dropna=False).mean()
        held = means.to_numpy(dtype=float)
        held = held[np.isfinite(held)]
        low, high = (float(held.min()), float(held.max())) if len(held) else (0.0, 1.0)
        return Normalize(low, max(high, low + 1e-9))

    def _scaled(self, rows: pd.DataFrame) -> pd.Series:
        column = rows[self.value].astype(float)
        return column.where(column > 0).map(np.log10) if self.log else column

    def scale(self, everything: pd.DataFrame) -> tuple[str, str] | None:
        if self.written:
            return None
        norm = self._norm(everything)
        low, high = (10.0**end if self.log else end for end in (norm.vmin or 0.0, norm.vmax or 0.0))
        return wording.amount(low, self.value), wording.amount(high, self.value)

    def __call__(self, ax: Axes, rows: pd.DataFrame, everything: pd.DataFrame) -> Axes:
        frame = rows.assign(**{self.value: self._scaled(rows)})
        table = frame.pivot_table(index=self.y, columns=self.x, values=self.value, aggfunc="mean", sort=False)
        order = [name for name in everything[self.y].unique() if name in table.index]
        columns = [name for name in everything[self.x].unique() if name in table.columns]
        table = table.loc[order, columns]
        values = table.to_numpy(dtype=float)
        percent = wording.metric(self.value).percent
        shown = 10.0**values if self.log else values
        texts = [[f"{100 * v:.1f}" if percent else wording.number(v) for v in row] for row in shown]
        heat_map(
            ax, values, _labels(table.index), _labels(table.columns),
            self._norm(everything), texts if self.written else None,
        )  # fmt: skip
        if self.upwards:
            ax.invert_yaxis()
        for name, label in ((self.x, ax.set_xlabel), (self.y, ax.set_ylabel)):
            label(_name(name))
        return ax


def nothing_above_zero(drawing: Drawing, frame: pd.DataFrame) -> str:
    """The name of a column that is drawn by its logarithm and has no number above 0; "" if there is none."""
    for column in drawing.by_logarithm:
        held = frame[column]
        if pd.api.types.is_numeric_dtype(held) and not (np.isfinite(held) & (held > 0)).any():
            return _name(column)
    return ""


def _name(column: str) -> str:
    """A column of a frame as the name of an axis."""
    return wording.factor(column) if "." in column else texts.translated(column.replace("_", " "))


def _labels(values: Iterable[object]) -> list[str]:
    return [texts.translated(label) for label in wording.labels(list(values))]


def _places(column: pd.Series) -> dict[Hashable, float]:
    """The place of each value on an x axis: a number at its value, words at equal distances in their order."""
    names = column.unique()
    if pd.api.types.is_numeric_dtype(column):
        return {number: number for number in np.sort(names.astype(float)).tolist()}
    return {name: float(place) for place, name in enumerate(names)}


def _room(values: Sequence[float], log: bool) -> tuple[float, float]:
    """The ends of an axis that holds all values, with a little room, the same for every panel."""
    held = np.asarray(values, dtype=float)
    held = held[np.isfinite(held) & ((held > 0) | (not log))]
    if not len(held):
        return (0.1, 1.0) if log else (0.0, 1.0)
    held = np.log10(held) if log else held
    low, high = float(held.min()), float(held.max())
    pad = 0.05 * (high - low) or 0.5
    return (10.0 ** (low - pad), 10.0 ** (high + pad)) if log else (low - pad, high + pad)


def _tick(value: float, percent: bool) -> str:
    return axes.tick(100 * value, " %") if percent else axes.tick(value)


def logarithmic_x(ax: Axes, values: np.ndarray) -> None:
    """A logarithmic x axis for these values; the limits are those of what is drawn so far, if any of it is above 0."""
    if not np.isfinite(ax.dataLim.minposx):  # of one panel; Matplotlib would look for its limits, and warn
        ax.set_xlim(*_room(list(values), log=True))
    ax.set_xscale("log", nonpositive="clip")
    ax.xaxis.set_minor_locator(NullLocator())
    _decades(ax.xaxis, values)


def _decades(axis: Axis, values: np.ndarray) -> None:
    held = values[np.isfinite(values) & (values > 0)]
    if not len(held):
        return
    powers = axes.decades(float(np.log10(held.min())), float(np.log10(held.max())))
    axis.set_major_locator(FixedLocator([10.0**power for power in powers]))
    words = axes.powers_in_words(powers)
    axis.set_major_formatter(FuncFormatter(lambda y, _: words(float(np.log10(y)), None) if y > 0 else ""))
