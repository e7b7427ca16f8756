"""A drawing for the figures of an experiment file: a row for each name, values along the x axis.

For names too long to stand below an axis or beside it, such as the rows of a published table: each stands over its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workbench.report import wording
from workbench.report.figures import axes, palette
from workbench.report.figures.drawings import Drawing, logarithmic_x
from workbench.report.language import texts
from workbench.report.language.words import cut
from workbench.report.statistics.intervals import student

NAME_LETTERS = 70  # letters
BROAD_ENOUGH, ROW_HEIGHT, FOOT_HEIGHT = 440, 40, 48  # pixels: a phone shows the whole of it, legibly
KINDS_APART = 0.18  # of the distance of two rows: how far what stands in one is apart
NAME_ABOVE = 0.3  # of that distance: how far above its row a name stands


@dataclass(frozen=True)
class Rows(Drawing):
    """`value` of each `row`, a marker for each value of `by`: the mean with its 95 % interval; faint: single seeds.

    `log_x`: a logarithmic axis.
    """

    row: str
    value: str
    by: str
    log_x: bool = False

    @property
    def by_logarithm(self) -> tuple[str, ...]:
        return (self.value,) * self.log_x

    def labels(self, everything: pd.DataFrame) -> list[str]:
        return list(wording.labels(list(everything[self.by].unique())))

    def slots(self, everything: pd.DataFrame) -> Sequence[palette.Slot]:
        return palette.slots_of(self.by, list(everything[self.by].unique()))

    def size(self, rows: pd.DataFrame) -> tuple[float, float]:
        """The width and height of a drawing in which every name has room, in CSS pixels."""
        return BROAD_ENOUGH, FOOT_HEIGHT + ROW_HEIGHT * rows[self.row].nunique()

    @property
    def margins(self) -> tuple[float, float, float, float]:
        """The room around the axes: left, right, top, bottom."""
        return 14, 22, 6, FOOT_HEIGHT - 6

    def __call__(self, ax: Axes, rows: pd.DataFrame, everything: pd.DataFrame) -> Axes:
        names, kinds = list(rows[self.row].unique()), list(everything[self.by].unique())
        for place, name in enumerate(names):
            for number, (kind, slot) in enumerate(zip(kinds, self.slots(everything), strict=True)):
                apart = KINDS_APART * (number - (len(kinds) - 1) / 2)
                held = rows.loc[(rows[self.row] == name) & (rows[self.by] == kind), self.value].to_numpy(float)
                if len(held):
                    _row(ax, held[np.isfinite(held)], place + apart, slot)
            ax.text(
                0, place - NAME_ABOVE, cut(texts.translated(str(name)), NAME_LETTERS), va="bottom",
                transform=ax.get_yaxis_transform(),
            )  # fmt: skip
        ax.set_yticks([])
        ax.set_ylim(len(names) - 0.65, -0.75)
        ax.grid(True, axis="x")
        ax.grid(False, axis="y")
        if self.log_x:
            logarithmic_x(ax, rows[self.value].to_numpy(float))
        else:
            axes.amount_axis(ax.xaxis, self.value)
        ax.set_xlabel(texts.translated(self.value.replace("_", " ")))
        return ax


def _row(ax: Axes, held: np.ndarray, at: float, slot: palette.Slot) -> None:
    """The seeds of one row, their mean and its interval; one marker if they are all the same."""
    if len(np.unique(held)) > 1:
        ax.plot(held, np.full(len(held), at), "o", color=slot.light, markersize=4.5, alpha=0.3, markeredgewidth=0)
        low, high = student(held, within=wording.FROM_ZERO)
        ax.plot([low, high], [at, at], color=slot.light, linewidth=2.6, solid_capstyle="butt")
    ax.plot([held.mean()], [at], slot.marker, color=slot.light, markersize=7, markeredgecolor=palette.SURFACE)
