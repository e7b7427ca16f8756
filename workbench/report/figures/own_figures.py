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

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.config import SETTINGS
from workbench.report import wording
from workbench.report.completed import completed
from workbench.report.figures.base import DrawnFigure, FigureKind, Key, Panel, Table, legend
from workbench.report.figures.drawings import Drawing, Lines, nothing_above_zero
from workbench.report.figures.figure import Figure
from workbench.report.figures.findings import Findings
from workbench.report.figures.measured import NothingHeld
from workbench.report.figures.named_rows import Rows
from workbench.report.language import texts
from workbench.report.language.words import Words, say, word
from workbench.report.statistics.intervals import student

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from workbench.tracking.read import SweepTables

OPENING = "opening"  # the part of the section that stands above the verdicts
MOST_ROWS = 240  # in the table behind a figure


def runs(
    *columns: str, where: Callable[[pd.DataFrame], pd.Series] | None = None
) -> Callable[[SweepTables], pd.DataFrame]:
    """A `data` function: these columns and the seed of the finished runs, or of those for which `where` is true."""

    def data(tables: SweepTables) -> pd.DataFrame:
        done = tables.runs[tables.runs["outcome"] == "finished"]
        chosen = done if where is None else done[where(done)]
        return chosen[[*columns, "seed"]].reset_index(drop=True)

    return data


@dataclass(frozen=True)
class Reduced:
    """A figure of the experiment with its frame; if there is no frame, `why` says the reason."""

    figure: Figure
    frame: pd.DataFrame
    why: str = ""


class OwnFigures(FigureKind[Findings, Reduced]):
    """The figures of the experiment file. If one cannot be drawn, its caption says so.

    A figure is a person's own code: no error in it may cost the page of a finished sweep.
    """

    section = "figures"
    nothing = "The experiment file brings no figures of its own."

    def reduce(self, source: Findings) -> list[Reduced]:
        return [_reduced(figure, source.tables) for figure in source.own]

    def panels(self, data: Reduced, place: int) -> list[Panel]:
        figure, frame = data.figure, data.frame
        parts = [("", frame)]
        if figure.panels:
            parts = [
                (texts.translated(str(label)), frame[frame[figure.panels] == label])
                for label in frame[figure.panels].unique()
            ]
        return [
            Panel(
                label, partial(_paint, figure, rows, frame), f"exhibit-{place}-{number}",
                _alt(figure, label), *_shape(figure, rows),
            )
            for number, (label, rows) in enumerate(parts)
        ]  # fmt: skip

    def caption(self, data: Reduced) -> str:
        caption = data.figure.caption
        return say("own.why", caption=caption, why=data.why) if data.why else caption

    def table(self, data: Reduced) -> Table:
        return Table(data.figure.title, ("",), ()) if data.why else numbers(data.figure, data.frame)

    def title(self, data: Reduced) -> str:
        return data.figure.title

    def legend(self, data: Reduced) -> tuple[Key, ...]:
        drawing = data.figure.draw
        labels = [texts.translated(one) for one in drawing.labels(data.frame)] if isinstance(drawing, Drawing) else []
        return legend(labels, drawing.slots(data.frame)) if isinstance(drawing, Drawing) and labels else ()

    def legend_of(self, data: Reduced) -> str:
        by = getattr(data.figure.draw, "by", "")
        return wording.factor(by) if "." in by else texts.translated(by.replace("_", " "))

    def by(self, data: Reduced) -> str:
        return data.figure.draw.by if isinstance(data.figure.draw, Lines) else ""

    def scale(self, data: Reduced) -> tuple[str, str] | None:
        drawing = data.figure.draw
        return drawing.scale(data.frame) if isinstance(drawing, Drawing) else None

    def about(self, data: Reduced) -> str:
        return OPENING if data.figure.opens else ""

    def one(self, data: Reduced, place: int) -> DrawnFigure:
        why = data.why
        if not why:
            try:
                drawn = super().one(data, place)
                return (
                    replace(drawn, width="widest" if drawn.broad else "wide")
                    if data.figure.opens and len(drawn.plots) == 1
                    else drawn
                )
            except Exception as error:
                why = _failure(error)
        said = replace(data, why=why)
        return DrawnFigure(self.caption(said), (), self.table(said), title=self.title(said), about=self.about(said))


def _reduced(figure: Figure, tables: SweepTables) -> Reduced:
    if not (tables.runs["outcome"] == "finished").any():
        return Reduced(figure, pd.DataFrame(), say("own.nothing_yet"))
    try:
        frame = figure.data(completed(tables))
        return Reduced(figure, frame, _nothing(figure, frame))
    except NothingHeld as reason:
        return Reduced(figure, pd.DataFrame(), say("own.nothing_for", reason=texts.translated(str(reason))))
    except Exception as error:
        return Reduced(figure, pd.DataFrame(), _failure(error))


def _nothing(figure: Figure, frame: pd.DataFrame) -> str:
    """Why there is nothing to draw of a frame; "" if there is."""
    if _empty(frame, figure.measured):
        return say("own.nothing_yet")
    column = nothing_above_zero(figure.draw, frame) if isinstance(figure.draw, Drawing) else ""
    return say("own.none_above_zero", column=column) if column else ""


def _empty(frame: pd.DataFrame, measured: str) -> bool:
    """Whether a frame has no row, or no number in the column `measured`."""
    return not len(frame) or (measured in frame and bool(frame[measured].isna().all()))


def _failure(error: Exception) -> str:
    return say("own.failed", error=f"{type(error).__name__}: {error}")


def _alt(figure: Figure, panel: str) -> str:
    title, caption = figure.title, figure.caption
    if figure.panels:
        return say("own.alt_of_panel", title=title, panel=panel, caption=caption)
    return say("own.alt", title=title, caption=caption)


def _shape(figure: Figure, rows: pd.DataFrame) -> tuple[tuple[float, float], tuple[float, float, float, float]]:
    """The size of a panel and its margins: those the figure states, or what the names of its rows need."""
    if isinstance(figure.draw, Rows):
        return figure.draw.size(rows), figure.draw.margins
    return figure.size, figure.margins


def _paint(figure: Figure, rows: pd.DataFrame, everything: pd.DataFrame, axes: Axes) -> Axes:
    return figure.draw(axes, rows, everything)


def numbers(figure: Figure, data: pd.DataFrame) -> Table:
    """The table behind a figure: the frame or, if it has seeds, mean and interval over them."""
    value = figure.measured
    if "seed" in data and value:
        data = averaged(data, value, getattr(figure.draw, "within", None))
    step = -(-len(data) // MOST_ROWS)
    shown = data.iloc[::step]
    title = figure.title
    caption = title if step == 1 else say("own.every", title=title, step=step, rows=len(data))
    words = [name for name in shown if not pd.api.types.is_numeric_dtype(shown[name])]
    shown = shown[[*words, *(name for name in shown if name not in words)]]
    columns = [[_text(item, str(name), value) for item in shown[name]] for name in shown]
    heads = tuple(_head(str(name)) for name in shown)
    return Table(caption, heads, tuple(zip(*columns, strict=True)), words=max(1, len(words)))


def averaged(data: pd.DataFrame, value: str, within: tuple[float, float] | None = None) -> pd.DataFrame:
    """Mean of `value`, ends of its 95 % interval and number of seeds, for each combination of the other columns.

    `within` is the range of the values (default: that of their metric).
    """
    within = wording.metric(value).range if within is None else within
    keys = [name for name in data if name not in ("seed", value)]
    by_seed = data.groupby([*keys, "seed"], sort=False, dropna=False)[value].mean().dropna().reset_index()
    rows = []
    for key, group in by_seed.groupby(keys, sort=False, dropna=False) if keys else [((), by_seed)]:
        values = group[value].to_numpy(dtype=float)
        rows.append((*key, values.mean(), *student(values, within=within), len(values)))
    return pd.DataFrame(rows, columns=[*keys, value, "low", "high", "seeds"])


def _head(name: str) -> str:
    if name in wording.METRICS or "." not in name:
        known = {"low": "95 % from", "high": "to"}.get(name) or wording.metric(name).name
        words = texts.translated(name.replace("_", " "))
        return words.capitalize() if isinstance(words, Words) and not isinstance(word(known), Words) else known
    return wording.factor(name).capitalize()


def _text(item: object, name: str, value: str) -> str:
    if isinstance(item, (float, np.floating)) and name not in SETTINGS:
        return wording.amount(float(item), value if name in ("low", "high") else name)
    return texts.translated(wording.value(item))
