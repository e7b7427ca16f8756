"""A figure as an experiment file states it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from workbench.report.figures.drawings import Drawing
from workbench.report.language.texts import translated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class Figure:
    """A figure of an experiment's page.

    `caption` says what the figure shows; with the title it is the alternative text. `data(tables)` gives a tidy frame.
    `draw(axes, rows, everything)` paints rows on the axes and returns them: `Lines`, `Heat` or any function. `panels`
    names a column: one panel for each of its values (default: one panel for all). `value` names the measured column, so
    that the table behind the figure can average it over seeds (default: the drawing's own). `size` is that of one panel
    in CSS pixels. `opens`: the page begins with it, above the verdicts.
    """

    title: str
    caption: str
    data: Callable[[SweepTables], pd.DataFrame]
    draw: Drawing | Callable[[Axes, pd.DataFrame, pd.DataFrame], Axes]
    panels: str = ""
    value: str = ""
    size: tuple[float, float] = (340, 220)
    margins: tuple[float, float, float, float] = (58, 12, 12, 40)
    opens: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", translated(self.title))
        object.__setattr__(self, "caption", translated(self.caption))

    @property
    def measured(self) -> str:
        """The measured column, "" if unknown."""
        return self.value or getattr(self.draw, "value", "")
