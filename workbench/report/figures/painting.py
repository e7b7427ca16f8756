"""The figures. Each takes an axes and what it shows, draws, and returns the axes.

Every seed stands faintly behind the mean; the mean carries its 95 % interval. Colours, markers and dashes belong to
a factor's values and are the same on the whole page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from workbench.report import wording
from workbench.report.figures import palette
from workbench.report.figures.curves import Curves, Layers
from workbench.report.statistics.comparison import BEYOND, Case
from workbench.report.statistics.design import Factor
from workbench.report.statistics.effects import Effect, Interaction, Spread

FAINT = 0.28
LONGEST_LABEL = 15
MOST_LABELS = 6
MOST_SEEDS = 48  # drawn faintly behind a mean
MOST_DOTS = 240  # of one level, in a figure of spreads
_STEPS = [1, 2, 2.5, 5, 10]
LOGARITHMIC_FROM = 30.0  # largest over smallest positive value


def _shortened(labels: Sequence[str]) -> list[str]:
    """Labels cut to what there is room for: at their ends, or at their beginnings where only these are the same."""
    cut = [label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "\u2026" for label in labels]
    if len(set(cut)) == len(set(labels)):
        return cut
    return [label if len(label) <= LONGEST_LABEL else "\u2026" + label[1 - LONGEST_LABEL :] for label in labels]


def _tick(value: float, unit: str = "", sign: str = "-") -> str:
    return f"{value:{sign}g}".replace("-", wording.MINUS) + unit if abs(value) > 1e-12 else "0"


def _decades(low: float, high: float) -> list[float]:
    """Places for the ticks of a log10 axis: whole decades, or 1, 2 and 5 of each where it spans few."""
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    if high - low >= 2:
        return powers[:: int(np.ceil(len(powers) / 7))].tolist()
    return np.add.outer(powers, np.log10([1, 2, 5])).ravel().tolist()


def _name_places(axis: Any, labels: Sequence[str], most: int = MOST_LABELS) -> None:
    """Label the places 0, 1, ...; where there are too many labels for the room, every so many."""
    room = max(1, most * 7 // max(7, max(map(len, _shortened(labels)), default=7)))
    step = -(-len(labels) // room)
    places = list(range(0, len(labels), step))
    axis.set_ticks(places, [_shortened(labels)[place] for place in places])


def _value_axis(ax: Axes, key: str, values: np.ndarray) -> None:
    """The y axis of a metric: percent for accuracies; logarithmic for a loss over more than a factor of 30."""
    if wording.metric(key).percent:
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _tick(100 * y, " %")))
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS, min_n_ticks=3))
        return
    positive = values[np.isfinite(values) & (values > 0)]
    if len(positive) and not (values < 0).any() and positive.max() > LOGARITHMIC_FROM * positive.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(numticks=5))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(positive.min() / 1.4, positive.max() * 1.4)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS, min_n_ticks=3))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _tick(y)))


def _few(seeds: np.ndarray) -> np.ndarray:
    """The lines (seeds, places) to be drawn: all, or of very many an even choice from the lowest to the highest."""
    if len(seeds) <= MOST_SEEDS:
        return seeds
    order = np.argsort(np.nanmean(seeds, axis=1), kind="stable")
    return seeds[order[np.linspace(0, len(seeds) - 1, MOST_SEEDS).round().astype(int)]]


def _lines(places: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many lines over the same places as one path, with gaps between them."""
    across = np.tile(np.append(places, np.nan), len(rows))
    return across, np.hstack([rows, np.full((len(rows), 1), np.nan)]).ravel() if len(rows) else across


def main_effect(ax: Axes, effect: Effect) -> Axes:
    """Mean by level with its interval, one faint line a seed; levels stand on the x axis in their order."""
    slots = effect.factor.slots
    seeds = sorted({seed for level in effect.levels for seed, _ in level.points})
    by_level = [dict(level.points) for level in effect.levels]
    paths = np.array([[level.get(seed, np.nan) for level in by_level] for seed in seeds])
    shown = _few(paths)
    ax.plot(*_lines(np.arange(len(by_level)), shown), color=palette.GUIDE, linewidth=0.8, alpha=0.5)
    for place, (level, slot) in enumerate(zip(effect.levels, slots, strict=True)):
        values = shown[:, place][np.isfinite(shown[:, place])] if len(shown) else []
        ax.plot([place] * len(values), values, "o", color=slot.light, markersize=3.6, alpha=0.45, markeredgewidth=0)
        if np.isfinite(level.interval.low):
            ax.plot([place, place], level.interval, color=slot.light, linewidth=2.4, solid_capstyle="butt")
        ax.plot([place], [level.mean], slot.marker, color=slot.light, markersize=9, markeredgecolor=palette.SURFACE)
    _value_axis(ax, effect.metric, paths.ravel())
    _name_places(ax.xaxis, [level.label for level in effect.levels])
    ax.set_xlim(-0.5, len(effect.levels) - 0.5)
    return ax


def learning_curves(ax: Axes, curves: Curves) -> Axes:
    """A metric by epoch: one faint line a seed, the mean, and its interval as a band."""
    for row, slot in enumerate(curves.factor.slots):
        held = curves.seeds[row][~np.isnan(curves.seeds[row]).all(axis=1)]
        if not len(held):
            continue
        if len(held) > 1:
            ax.plot(*_lines(curves.epochs, _few(held)), color=slot.light, linewidth=0.7, alpha=FAINT)
            ax.fill_between(curves.epochs, curves.low[row], curves.high[row], color=slot.light, alpha=0.16, linewidth=0)
        dash = (0, slot.dash) if slot.dash else "-"
        ax.plot(curves.epochs, curves.mean[row], color=slot.light, linewidth=1.9, linestyle=dash)
    _value_axis(ax, curves.metric, curves.seeds.ravel())
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    room = 0.03 * (curves.epochs[-1] - curves.epochs[0])
    ax.set_xlim(curves.epochs[0] - room, curves.epochs[-1] + room)  # also where a metric begins at epoch 1
    ax.set_xlabel("epoch")
    return ax


def heat_map(
    ax: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    norm: Normalize,
    texts: Sequence[Sequence[str]] | None = None,
) -> Axes:
    """`values` (rows, columns) as coloured cells, the first row at the top; `texts` are written into the cells."""
    colours = colormaps[palette.HEAT]
    mesh = np.ma.masked_invalid(values)
    ax.pcolormesh(mesh, cmap=palette.HEAT, norm=norm, edgecolors="none", antialiased=False, shading="flat")
    for row, column in np.argwhere(np.isfinite(values)) if texts is not None else ():
        red, green, blue, _ = colours(norm(values[row, column]))
        dark = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18
        ax.text(
            column + 0.5, row + 0.5, texts[row][column] if texts else "", ha="center", va="center",
            color="#000000" if dark else "#ffffff",
        )  # fmt: skip
    for axis, labels in ((ax.xaxis, columns), (ax.yaxis, rows)):
        _name_places(axis, labels, MOST_LABELS if axis is ax.xaxis else 12)
        axis.set_ticks(np.asarray(axis.get_ticklocs()) + 0.5, [text.get_text() for text in axis.get_ticklabels()])
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return ax


def layer_map(ax: Axes, layers: Layers, level: int, norm: Normalize) -> Axes:
    """A probe by layer (input at the bottom) and epoch, at one level of the factor."""
    ax = heat_map(ax, layers.maps[level], [str(n) for n in layers.numbers], [str(e) for e in layers.epochs], norm)
    ax.invert_yaxis()
    ax.set_xlabel("epoch")
    ax.set_ylabel("layer")
    return ax


def profile(ax: Axes, layers: Layers) -> Axes:
    """A probe by layer at the end of training: one faint line a seed, the mean, and its interval as a band."""
    for level, slot in enumerate(layers.slots):
        held = layers.profiles[level]
        held = held[~np.isnan(held).all(axis=1)]
        if not len(held):
            continue
        if len(held) > 1:
            ax.plot(*_lines(layers.numbers, _few(held)), color=slot.light, linewidth=0.7, alpha=FAINT)
        counted = ~np.isnan(held).all(axis=0)
        mean = np.nanmean(held[:, counted], axis=0)
        style: Any = {"color": slot.light, "marker": slot.marker, "markersize": 5.5, "markeredgecolor": palette.SURFACE}
        ax.plot(layers.numbers[counted], mean, linestyle=(0, slot.dash) if slot.dash else "-", linewidth=1.9, **style)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS, min_n_ticks=3))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _tick(y)))
    if layers.logarithmic:
        ax.yaxis.set_major_locator(FixedLocator(_decades(*ax.get_ylim())))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: wording.number(10.0**y, 1)))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.set_xlabel("layer (last: output)")
    return ax


def _thinned(values: np.ndarray) -> np.ndarray:
    """The values in order; of very many, evenly spread quantiles, the least and the largest among them."""
    ordered = np.sort(values)
    return ordered if len(ordered) <= MOST_DOTS else np.quantile(ordered, np.linspace(0, 1, MOST_DOTS))


def interaction(ax: Axes, pair: Interaction) -> Axes:
    """Means over the levels of the first factor, a line for each level of the second, with intervals over seeds;
    faint: each seed. Parallel lines mean that the two factors simply add up.
    """
    count = len(pair.second.labels)
    for column, slot in enumerate(pair.second.slots):
        places = np.arange(len(pair.first.labels)) + 0.07 * (column - (count - 1) / 2)
        seeds = pair.points[:, column].T
        seeds = seeds[np.isfinite(seeds).any(axis=1)]
        if len(seeds) > 1:
            ax.plot(*_lines(places, _few(seeds)), color=slot.light, linewidth=0.7, alpha=FAINT)
        for place, low, high in zip(places, pair.low[:, column], pair.high[:, column], strict=True):
            if np.isfinite(low):
                ax.plot([place, place], [low, high], color=slot.light, linewidth=2.2, solid_capstyle="butt")
        style: Any = {"marker": slot.marker, "markersize": 6.5, "markeredgecolor": palette.SURFACE}
        line = (0, slot.dash) if slot.dash else "-"
        ax.plot(places, pair.means[:, column], color=slot.light, linewidth=1.7, linestyle=line, **style)
    _value_axis(ax, pair.metric, pair.points.ravel())
    _name_places(ax.xaxis, pair.first.labels)
    ax.set_xlim(-0.5, len(pair.first.labels) - 0.5)
    return ax


def spread(ax: Axes, spreads: Sequence[Spread], factor: Factor, key: str) -> Axes:
    """Every finished run at every level, the span from worst to best, and the median."""
    for place, (one, slot) in enumerate(zip(spreads, factor.slots, strict=True)):
        if not len(one.values):
            continue
        ax.plot([one.worst, one.best], [place, place], color=slot.light, linewidth=1.4, alpha=0.55)
        dots = np.repeat(_thinned(one.values), 2)  # a line of no length with round ends is a dot: one path for all
        dots = np.insert(dots, np.arange(2, len(dots) + 1, 2), np.nan)
        ax.plot(
            dots, np.full(len(dots), place + 0.26), color=slot.light, linewidth=2.6, alpha=FAINT,
            solid_capstyle="round",
        )  # fmt: skip
        ax.plot([one.median], [place], slot.marker, color=slot.light, markersize=9, markeredgecolor=palette.SURFACE)
    _name_places(ax.yaxis, [one.label for one in spreads], 14)
    ax.set_ylim(len(spreads) - 0.5, -0.5)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS, min_n_ticks=3))
    percent = wording.metric(key).percent
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _tick(100 * x, " %") if percent else _tick(x)))
    return ax


def differences(ax: Axes, values: np.ndarray, interval: tuple[float, float], margin: float, key: str) -> Axes:
    """Paired differences (n,) on one line: the band of +-margin, every seed, the mean and its interval."""
    ax.axvspan(-margin, margin, color=palette.GRID, alpha=0.75, linewidth=0)
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    colour = palette.SLOTS[0].light
    ax.plot(values, np.full(len(values), 0.3), "o", color=colour, markersize=5, alpha=0.4, markeredgewidth=0)
    if np.isfinite(interval[0]):
        ax.plot(interval, [-0.3, -0.3], color=colour, linewidth=3, solid_capstyle="butt")
    if len(values):
        ax.plot([values.mean()], [-0.3], "o", color=colour, markersize=8, markeredgecolor=palette.SURFACE)
    ax.set_ylim(-0.8, 0.8)
    ax.yaxis.set_visible(False)
    ax.grid(False)
    percent = wording.metric(key).percent
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS, min_n_ticks=3))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: _tick(100 * x, " pp", "+") if percent else _tick(x, sign="+"))
    )
    return ax


def forest(ax: Axes, cases: Sequence[Case], key: str) -> Axes:
    """The change of every case with its interval, a row a case; filled where it is beyond seed noise."""
    ax.axvline(0, color=palette.GUIDE, linewidth=0.9)
    colour = palette.SLOTS[0].light
    for place, case in enumerate(cases):
        shown = colour if case.finding == BEYOND else palette.GUIDE
        if np.isfinite(case.interval.low):
            ax.plot(case.interval, [place, place], color=shown, linewidth=2.2, solid_capstyle="butt")
        filled = shown if case.finding == BEYOND else palette.SURFACE
        ax.plot([case.change], [place], "o", color=filled, markersize=6.5, markeredgecolor=shown, markeredgewidth=1.3)
    ax.set_yticks(
        range(len(cases)), [case.label if len(case.label) <= 46 else case.label[:45] + "\u2026" for case in cases]
    )
    ax.set_ylim(len(cases) - 0.5, -0.5)
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    percent = wording.metric(key).percent
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS, min_n_ticks=3))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: _tick(100 * x, " pp", "+") if percent else _tick(x, sign="+"))
    )
    return ax


def two_curves(ax: Axes, lines: Sequence[tuple[np.ndarray, ...]], key: str) -> Axes:
    """(epochs, mean, low, high) of each of a few sweeps."""
    for (epochs, mean, low, high), slot in zip(lines, palette.slots(len(lines)), strict=True):
        ax.fill_between(epochs, low, high, color=slot.light, alpha=0.16, linewidth=0)
        ax.plot(epochs, mean, color=slot.light, linewidth=1.9, linestyle=(0, slot.dash) if slot.dash else "-")
    _value_axis(ax, key, np.concatenate([mean for _, mean, _, _ in lines]))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("epoch")
    return ax
