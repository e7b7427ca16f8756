"""Figures that an experiment file brings along for its page, as a list `FIGURES` beside its `CLAIMS`.

    FIGURES = [
        Figure("Training accuracy by depth", "Sigmoid networks fall behind as they grow deeper.",
               runs("network.depth", "network.activation", "last_train_accuracy"),
               Lines("network.depth", "last_train_accuracy", by="network.activation")),
    ]

`data` reduces the sweep's tables to a tidy frame, which is also the table behind the figure; `draw` paints it. A frame
may hold a column `seed`: a drawing shows every seed faintly behind the mean and its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.config import SETTINGS
from workbench.report import wording
from workbench.report.figures.drawings import Drawing
from workbench.report.figures.sections import Group, Key, Plot, legend
from workbench.report.figures.svg import draw
from workbench.report.figures.tables import Table
from workbench.report.statistics.intervals import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workbench.tracking.read import SweepTables

MOST_ROWS = 240  # in the table behind a figure
_PLAIN = (2, 460, 260)


@dataclass(frozen=True)
class Figure:
    """A figure of an experiment's page.

    `caption` says what is to be seen; with the title it is the alternative text. `data(tables)` gives a tidy frame.
    `draw(axes, rows, everything)` paints rows on the axes and returns them: `Lines`, `Heat` or any function. `panels`
    names a column: one panel for each of its values, else one panel for all. `value` names the measured column, so that
    the table behind can average it over seeds (default: the drawing's own). `size` is that of one panel in CSS pixels.
    """

    title: str
    caption: str
    data: Callable[[SweepTables], pd.DataFrame]
    draw: Drawing | Callable[[Axes, pd.DataFrame, pd.DataFrame], Axes]
    panels: str = ""
    value: str = ""
    size: tuple[float, float] = (340, 220)
    margins: tuple[float, float, float, float] = (58, 12, 12, 40)

    @property
    def measured(self) -> str:
        """The measured column, "" if unknown."""
        return self.value or getattr(self.draw, "value", "")


def runs(*columns: str, where: Callable[[pd.DataFrame], Any] | None = None) -> Callable[[SweepTables], pd.DataFrame]:
    """A `data` function: these columns, and the seed, of the finished runs (of those `where` holds for)."""

    def data(tables: SweepTables) -> pd.DataFrame:
        done = tables.runs[tables.runs["outcome"] == "finished"]
        chosen = done if where is None else done[where(done)]
        return chosen[[*columns, "seed"]].reset_index(drop=True)

    return data


def exhibits(figures: Sequence[Figure], tables: SweepTables) -> list[Group]:
    """The groups the page shows. A figure that has nothing to draw, or cannot be drawn, says so in its caption."""
    return [_exhibit(figure, tables, f"exhibit-{place}") for place, figure in enumerate(figures)]


def _exhibit(figure: Figure, tables: SweepTables, identity: str) -> Group:
    try:
        data = figure.data(tables)
        if not len(data):
            return _empty(figure, "nothing to draw yet.")
        return _drawn(figure, data, identity)
    except Exception as error:  # a figure is a person's own code: it must not cost the page of a finished sweep
        return _empty(figure, f"could not be drawn: {type(error).__name__}: {error}")


def _empty(figure: Figure, why: str) -> Group:
    return Group(f"{figure.caption} ({why})", (), Table(figure.title, ("",), ()), title=figure.title)


def _drawn(figure: Figure, data: pd.DataFrame, identity: str) -> Group:
    parts = [(figure.title, data)]
    if figure.panels:
        parts = [(str(label), data[data[figure.panels] == label]) for label in data[figure.panels].unique()]
    plots = []
    for place, (label, rows) in enumerate(parts):
        alt = f"{figure.title}{f', {label}' if figure.panels else ''}. {figure.caption}"
        svg = draw(partial(_paint, figure, rows, data), f"{identity}-{place}", alt, figure.size, figure.margins)
        plots.append(Plot(label if figure.panels else "", svg))
    keys: tuple[Key, ...] = ()
    scale = None
    if isinstance(figure.draw, Drawing):
        labels, scale = figure.draw.labels(data), figure.draw.scale(data)
        keys = legend(labels, figure.draw.slots(data)) if labels else ()
    return Group(figure.caption, tuple(plots), numbers(figure, data), keys, scale, figure.title)


def _paint(figure: Figure, rows: pd.DataFrame, everything: pd.DataFrame, axes: Axes) -> Axes:
    return figure.draw(axes, rows, everything)


def numbers(figure: Figure, data: pd.DataFrame) -> Table:
    """The table behind a figure: the frame, or, where it holds seeds, mean and interval over them."""
    value = figure.measured
    if "seed" in data and value:
        data = over_seeds(data, value)
    step = -(-len(data) // MOST_ROWS)
    shown = data.iloc[::step]
    caption = figure.title if step == 1 else f"{figure.title}: every {step}th of {len(data)} rows"
    words = [name for name in shown if not pd.api.types.is_numeric_dtype(shown[name])]
    shown = shown[[*words, *(name for name in shown if name not in words)]]
    columns = [[_text(item, str(name), value) for item in shown[name]] for name in shown]
    heads = tuple(_head(str(name)) for name in shown)
    return Table(caption, heads, tuple(zip(*columns, strict=True)), words=max(1, len(words)))


def over_seeds(data: pd.DataFrame, value: str) -> pd.DataFrame:
    """Mean of `value`, ends of its 95 % interval and number of seeds, for each combination of the other columns."""
    keys = [name for name in data if name not in ("seed", value)]
    by_seed = data.groupby([*keys, "seed"], sort=False, dropna=False)[value].mean().dropna().reset_index()
    rows = []
    for key, group in by_seed.groupby(keys, sort=False, dropna=False) if keys else [((), by_seed)]:
        values = group[value].to_numpy(dtype=float)
        low, high = t_interval(values)
        rows.append((*key, values.mean(), float(low), float(high), len(values)))
    return pd.DataFrame(rows, columns=[*keys, value, "low", "high", "seeds"])


def _head(name: str) -> str:
    if name in wording.METRICS or "." not in name:
        return {"low": "95 % from", "high": "to"}.get(name) or wording.metric(name).name
    return wording.factor(name).capitalize()


def _text(item: Any, name: str, value: str) -> str:
    if isinstance(item, (float, np.floating)) and name not in SETTINGS:
        return wording.amount(float(item), value if name in ("low", "high") else name)
    return wording.value(item)
