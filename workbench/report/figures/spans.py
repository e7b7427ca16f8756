"""A ready-made drawing for figures of an experiment file: values whose intervals the frame brings along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.drawings import Drawing
from workbench.report.language import texts

ENDS = ("low", "high")
BAR_DISTANCE = 0.035  # of the axis, between bars that stand at one place


@dataclass(frozen=True)
class Spans(Drawing):
    """`value` over the numbers `x`, on logarithmic axes, a colour for each value of `by`.

    The columns `low` and `high` are the ends of intervals, drawn as bars, and NaN where there is none. Bars at one
    place stand side by side. Values without any that share a colour are joined by a line. `words` stand below the axis;
    default: the column's name.
    """

    x: str
    value: str
    by: str
    words: str = ""

    def labels(self, everything: pd.DataFrame) -> list[str]:
        return list(wording.labels(list(everything[self.by].unique())))

    def slots(self, everything: pd.DataFrame) -> Sequence[palette.Slot]:
        return palette.slots_of(self.by, list(everything[self.by].unique()))

    def __call__(self, ax: Axes, rows: pd.DataFrame, everything: pd.DataFrame) -> Axes:
        levels = list(everything[self.by].unique())
        barred = [level for level in levels if everything.loc[everything[self.by] == level, "low"].notna().any()]
        apart = float(everything[self.x].max() / everything[self.x].min()) ** BAR_DISTANCE
        for level, slot in zip(levels, self.slots(everything), strict=True):
            mine = rows[rows[self.by] == level].sort_values(self.x)
            if level in barred:
                place = barred.index(level) - (len(barred) - 1) / 2
                mine = mine.assign(**{self.x: mine[self.x] * apart**place})
            bars = mine.dropna(subset=list(ENDS))
            ax.vlines(bars[self.x], bars["low"], bars["high"], color=slot.light, linewidth=2.2)
            style: axes.LineStyle = {"linestyle": "none" if len(bars) else slot.linestyle, "linewidth": 1.6}
            if len(mine) <= 16:
                style |= {"marker": slot.marker, "markersize": 5.5, "markeredgecolor": palette.SURFACE}
            ax.plot(mine[self.x], mine[self.value], color=slot.light, **style)
        self._axes(ax, everything)
        return ax

    def _axes(self, ax: Axes, everything: pd.DataFrame) -> None:
        ax.set_xscale("log")
        ax.set_yscale("log")
        for axis, names in ((ax.xaxis, (self.x,)), (ax.yaxis, (self.value, *ENDS))):
            held = everything[list(names)].to_numpy(dtype=float)
            held = held[np.isfinite(held) & (held > 0)]
            low, high = (float(np.log10(end)) for end in (held.min(), held.max()))
            room = 0.06 * (high - low) or 0.1
            axis.set_minor_locator(NullLocator())
            axis.set_ticks([10.0**at for at in axes.decades(low, high) if low - room <= at <= high + room])
            (ax.set_xlim if axis is ax.xaxis else ax.set_ylim)(10 ** (low - room), 10 ** (high + room))
            axis.set_major_formatter(FuncFormatter(lambda place, _: axes.tick(float(f"{place:.3g}"))))
        ax.set_xlabel(texts.translated(self.words or self.x.replace("_", " ")))
