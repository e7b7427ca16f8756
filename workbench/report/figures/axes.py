"""Common parts of axes: ticks, categorical labels, the axis of a metric, and many seeds as one path.

Every seed is drawn faintly behind the mean; the mean carries its 95 % interval. Colours, markers and dashes belong to
a factor's values and are the same on the whole page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, YAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from workbench.report import wording
from workbench.report.language.words import ELLIPSIS, chinese_of, cut, say

FAINT = 0.28
LONGEST_LABEL, SHORT_NUMBER = 15, 5  # letters
LETTER = 6.3  # pixels, of a tick's label
MOST_LABELS = 6
MOST_SEEDS = 48  # drawn faintly behind a mean
TICK_ROOM = 52.0  # pixels from one tick of a difference to the next
ROWS_WIDTH, NARROWEST = 250.0, 380.0  # pixels of a drawing beside the names of its rows, and of all of it at least
NAMED_ROW_HEIGHT = 36  # pixels from one row to the next where its name stands over it
NAME_OVER_ROW = 0.28  # of that: how far
LONGEST_ROW_NAME = 58  # letters of such a name
ROW_EDGE = 22  # pixels left of such rows
TICK_STEPS = [1, 2, 2.5, 5, 10]
LOGARITHMIC_FROM = 30.0  # largest over smallest positive value


def height_of_rows(count: int, margins: tuple[float, float, float, float]) -> float:
    """The height of a drawing of so many rows with their names over them; `margins` are left, right, top, bottom."""
    return NAMED_ROW_HEIGHT * count + margins[2] + margins[3]


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """A row for each name, the first at the top, its name over it: a phone shows the drawing whole and legible, for no
    name stands beside it.
    """
    for row, name in enumerate(names):
        text = cut(name, LONGEST_ROW_NAME)
        ax.text(0, row - NAME_OVER_ROW, text, va="bottom", transform=ax.get_yaxis_transform())
    ax.set_yticks([])
    ax.set_ylim(len(names) - 0.6, -0.8)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")


def beside_names(left: float) -> float:
    """The width of a drawing with its rows' names in a margin of `left` pixels: a phone shows it whole and legible."""
    return max(NARROWEST, left + ROWS_WIDTH)


class LineStyle(TypedDict, total=False):
    """What Matplotlib's `plot` takes to draw a line, under its names; lengths in points."""

    color: str
    linestyle: str | tuple[int, tuple[float, ...]]
    linewidth: float
    alpha: float
    marker: str
    markersize: float
    markeredgecolor: str


def shortened(labels: Sequence[str]) -> list[str]:
    """Labels cut to the available length: at their ends, or at their beginnings if only these are the same. Numbers are
    typeset, as those of other axes are.
    """
    labels = [wording.typeset(label) if _is_number(label) else label for label in labels]
    short = [cut(label, LONGEST_LABEL) for label in labels]
    if len(set(short)) == len(set(labels)):
        return short
    return [cut(label, LONGEST_LABEL, at_the_end=False) for label in labels]


def tick(value: float, unit: str = "", sign: str = "-") -> str:
    return wording.typeset(f"{value:{sign}g}") + unit if abs(value) > 1e-12 else "0"


def decades(low: float, high: float) -> list[float]:
    """Places for the ticks of a log10 axis: whole decades; if it spans few, as many of 1, 2, 5, ... of each as give two
    ticks or more, over half of the axis at least.
    """
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    if high - low >= 2:
        return powers[:: int(np.ceil(len(powers) / 7))].tolist()
    places = np.empty(0)
    for parts in ([1, 2, 5], range(1, 10), np.arange(10, 100) / 10):
        places = np.add.outer(powers, np.log10(parts)).ravel()
        inside = places[(low <= places) & (places <= high)]
        wide = np.ptp(inside) >= (high - low) / 2 if len(inside) >= 2 else False
        if wide or (len(inside) >= 2 and len(parts) > 9):
            return inside[:: -(-len(inside) // MOST_LABELS)].tolist()
    return places.tolist()


def powers_in_words(powers: Sequence[float]) -> FuncFormatter:
    """What the ticks at these powers of ten are called: as short as tells them apart. The axis is of log10."""
    for digits in (1, 2, 3):
        if len({wording.number(10.0**power, digits) for power in powers}) == len(powers):
            break
    return FuncFormatter(lambda power, _: wording.number(10.0**power, digits))


def _factor_axis(axis: Axis, base: float, most: int, sign: str = "") -> None:
    """An axis of logarithms to `base`, at places that are round numbers: their names are the numbers."""
    low, high = np.asarray(axis.get_view_interval(), dtype=float) * math.log10(base)
    powers = [power for power in decades(low, high) if low <= power <= high]
    powers = powers[:: -(-len(powers) // most)]
    words = powers_in_words(powers)
    axis.set_major_locator(FixedLocator([power / math.log10(base) for power in powers]))
    axis.set_major_formatter(FuncFormatter(lambda place, _: sign + words(place * math.log10(base), None)))


def name_places(axis: Axis, labels: Sequence[str], most: int = MOST_LABELS) -> None:
    """Label the places 0, 1, ...; if there is no room for every label, every second, third, ... one, of numbers to two
    digits.

    `most`: on a y axis labels, on an x axis seven letters each.
    """
    names = shortened(labels)
    upright = isinstance(axis, YAxis)
    if not upright and _step(names, most) > 1 and all(map(_is_number, labels)):
        names = [tick(float(f"{float(label):.2g}")) if len(label) > SHORT_NUMBER else label for label in labels]
    step = -(-len(labels) // most) if upright else _step(names, most)
    places = list(range(0, len(labels), max(step, 1)))
    axis.set_ticks(places, [names[place] for place in places])


def keep_names_inside(ax: Axes) -> None:
    """Room at both ends of an x axis whose places have names, so that no name reaches beyond the drawing."""
    places, names = ax.xaxis.get_ticklocs(), [text.get_text() for text in ax.xaxis.get_ticklabels()]
    scale = 72 / ax.figure.dpi  # pixels of the page in one of the figure
    box, edge = ax.get_window_extent(), scale * ax.figure.bbox.width
    width, margins = scale * box.width, (scale * box.x0, edge - scale * box.x1)
    left, right = (
        max(0.0, _wide(name) / 2 - margin) for name, margin in zip((names[0], names[-1]), margins, strict=True)
    )
    of_a_pixel = (places[-1] - places[0]) / max(width - left - right, width / 4)
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, places[0] - left * of_a_pixel), max(high, places[-1] + right * of_a_pixel))


def _wide(name: str) -> float:
    """The pixels of a name below an axis, in the language that needs more; a letter of Han is as wide as two."""
    other = chinese_of(name)
    return LETTER * max(len(name), len(other) + sum(letter > ELLIPSIS for letter in other))


def _step(names: Sequence[str], most: int) -> int:
    """Of how many places one is labelled, so that no label meets the next, on an axis of 7 * `most` letters."""
    apart = 7 * most / max(len(names), 1)
    for step in range(1, len(names) + 1):
        shown = names[::step]
        if all((len(one) + len(other)) / 2 + 1 <= step * apart for one, other in pairwise(shown)):
            return step
    return max(len(names), 1)


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def apart(labels: Sequence[str], places: Sequence[float]) -> list[str]:
    """The labels of ascending places; a label that would overlap the one before is blank."""
    room = 0.07 * (places[-1] - places[0])
    kept: list[str] = []
    last = -np.inf
    for label, place in zip(labels, places, strict=True):
        kept.append(label if place - last >= room else "")
        last = place if kept[-1] else last
    return kept


def value_axis(ax: Axes, key: str, values: np.ndarray, widest: float = LOGARITHMIC_FROM) -> None:
    """The y axis of a metric: percent for accuracies; logarithmic for a loss over more than a factor of `widest`."""
    if wording.metric(key).percent:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: tick(100 * y, " %")))
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=TICK_STEPS, min_n_ticks=3))
        return
    if base := wording.metric(key).base:
        _factor_axis(ax.yaxis, base, MOST_LABELS)
        return
    positive = values[np.isfinite(values) & (values > 0)]
    if len(positive) and not (values < 0).any() and positive.max() > widest * positive.min():
        ax.set_yscale("log")
        low, high = positive.min() / 1.4, positive.max() * 1.4
        ax.set_ylim(low, high)
        ax.yaxis.set_major_locator(FixedLocator([10.0**place for place in decades(np.log10(low), np.log10(high))]))
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=TICK_STEPS, min_n_ticks=3))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: tick(y)))


def drawn_seeds(seeds: np.ndarray) -> np.ndarray:
    """The lines (seeds, places) to draw: all, or of very many an even selection from the lowest to the highest."""
    if len(seeds) <= MOST_SEEDS:
        return seeds
    order = np.argsort(np.nanmean(seeds, axis=1), kind="stable")
    return seeds[order[np.linspace(0, len(seeds) - 1, MOST_SEEDS).round().astype(int)]]


def as_one_path(places: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many lines over the same places as one path, with gaps between them."""
    across = np.tile(np.append(places, np.nan), len(rows))
    return across, np.hstack([rows, np.full((len(rows), 1), np.nan)]).ravel() if len(rows) else across


def amount_axis(axis: Axis, key: str, most: int = MOST_LABELS) -> None:
    """An axis of values of a metric: percent for accuracies, the numbers themselves for logarithms."""
    if base := wording.metric(key).base:
        _factor_axis(axis, base, MOST_LABELS)
        return
    percent = wording.metric(key).percent
    if not isinstance(axis, YAxis):
        most = min(most, _ticks_with_room(axis.axes))
    axis.set_major_locator(MaxNLocator(most, steps=TICK_STEPS, min_n_ticks=3))
    axis.set_major_formatter(FuncFormatter(lambda x, _: tick(100 * x, " %") if percent else tick(x)))


def change_axis(ax: Axes, key: str) -> None:
    """The x axis of a difference of a metric: signed, in percentage points for accuracies, factors for logarithms.

    Chinese names the unit in the label alone: a tick has no room for it.
    """
    shown = wording.metric(key)
    most = min(6, _ticks_with_room(ax))
    if shown.base:
        _factor_axis(ax.xaxis, shown.base, most, wording.FACTOR_SIGN)
        ax.set_xlabel(say("axis.factor", name=shown.name.lower()))
        return
    ax.xaxis.set_major_locator(MaxNLocator(most, steps=TICK_STEPS, min_n_ticks=3))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: _points(tick(100 * x, sign="+")) if shown.percent else tick(x, sign="+"))
    )
    label = say("axis.difference" if shown.percent else "axis.difference_of_amounts", name=shown.name.lower())
    ax.set_xlabel(say("axis.with_unit", label=label, unit=shown.unit) if shown.unit else label)


def _ticks_with_room(ax: Axes) -> int:
    """How many ticks stand side by side on an x axis; three at least."""
    room = 72 * ax.get_window_extent().width / ax.figure.dpi  # in pixels of the page
    return max(3, int(room / TICK_ROOM))


def _points(text: str) -> str:
    """Percentage points as a tick; of zero nothing needs a unit."""
    return text if text == "0" else say("axis.points", value=text)


def seeds_in_words(count: int, each: str) -> str:
    """The lines of single seeds, drawn faintly behind the mean."""
    return each if count <= MOST_SEEDS else say("axis.some_seeds", some=MOST_SEEDS, all=count)
