"""A drawing as a file of its own, for slides and papers: with its title, its legend and the names of its axes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workbench.report.figures import palette
from workbench.report.figures.base import DrawnFigure, Key, Panel, sampled
from workbench.report.figures.svg import STYLE
from workbench.report.language.words import begun

FORMATS = ("svg", "png", "pdf")
TITLE_ROW, LEGEND_ROW = 26, 20  # CSS pixels
MOST_KEYS, DOTS_PER_INCH = 8, 200


def exported(figure: DrawnFigure, panel: Panel, kind: str) -> bytes:
    """One drawing of a figure in one of FORMATS, in the light colours. Equal figures give equal bytes."""
    (width, height), (left, right, top, bottom) = panel.size, panel.margins
    title = _title(figure, panel)
    keys = [figure.legend[place] for place in sampled(len(figure.legend), MOST_KEYS)] if len(figure.legend) > 1 else []
    head = TITLE_ROW * bool(title) + LEGEND_ROW * bool(keys)
    whole = height + head
    with warnings.catch_warnings(), mpl.rc_context({**STYLE, "svg.hashsalt": "workbench"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        drawn = Figure(figsize=(width / 72, whole / 72), facecolor="#ffffff")
        axes = drawn.add_axes(
            (left / width, bottom / whole, (width - left - right) / width, (height - top - bottom) / whole)
        )
        panel.paint(axes)
        if title:
            drawn.text(8 / width, 1 - 8 / whole, title, va="top", fontsize=12, fontweight="bold", color=palette.INK)
        if keys:
            drawn.legend(
                handles=_handles(keys), title=None, loc="upper left", ncols=len(keys), frameon=False, fontsize=9,
                bbox_to_anchor=(0, 1 - TITLE_ROW * bool(title) / whole), borderaxespad=0.3, handlelength=2.2,
                columnspacing=1.2,
            )  # fmt: skip
        FigureCanvasAgg(drawn)
        for part in axes.findobj():
            part.set_gid("")  # the names of arms serve the page alone
        buffer = io.BytesIO()
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        drawn.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=undated)
    return buffer.getvalue()


def _title(figure: DrawnFigure, panel: Panel) -> str:
    what = " \u2013 ".join(text for text in (begun(figure.title), panel.title) if text)
    return f"{what} by {figure.legend_of}" if what and figure.legend_of and figure.legend_of not in what else what


def _handles(keys: Sequence[Key]) -> list[Line2D]:
    colours = palette.variables()[0]
    found = []
    for key in keys:
        name = key.colour.removeprefix("var(--").removesuffix(")")
        line = Line2D([], [], color=colours.get(name, key.colour), label=key.label)
        if key.dash:
            line.set_linestyle((0, tuple(float(length) / 2 for length in key.dash.split())))
        found.append(line)
    return found
