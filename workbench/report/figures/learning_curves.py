"""How training went: losses and accuracies by epoch, a drawing for each metric, a curve for each level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import MOST_COLUMNS, FigureKind, Key, Panel, Table, legend, sampled
from workbench.report.figures.findings import Findings
from workbench.report.figures.tested import tested_line
from workbench.report.figures.units import in_units, is_loss, mean_line
from workbench.report.language.words import commas, joined, say, word
from workbench.report.statistics.design import SEED, SHOWN_CURVES, Design, Factor
from workbench.report.statistics.effects import matched
from workbench.report.statistics.histories import Evaluations, Histories
from workbench.report.statistics.intervals import over_seeds

MOST_EPOCHS_OF_CURVES = 80  # drawn in a curve


@dataclass(frozen=True)
class Curves:
    """A metric by epoch for every level of a factor.

    `seeds` (levels, seeds, epochs) are the means within each seed; `mean`, `low`, `high` (levels, epochs) over seeds.
    `carried` says that some runs ended before the last epoch and keep their last value from there on. `mean_cost` is
    the loss of predicting the mean of a regression's targets, NaN if there is none.
    """

    factor: Factor
    metric: str
    epochs: np.ndarray
    seeds: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    carried: bool
    mean_cost: float = float("nan")


@dataclass(frozen=True)
class FactorCurves:
    """The curves of one factor, by metric."""

    curves: tuple[Curves, ...]
    units: str
    tested: Evaluations | None = None


class LearningCurves(FigureKind[Findings, FactorCurves]):
    """A figure for each factor, the one with the largest effect first."""

    section = "factors"
    nothing = "No run was trained for more than one epoch by a factor that was swept, so there is no curve."

    def reduce(self, source: Findings) -> list[FactorCurves]:
        histories = source.histories
        metrics = [key for key in SHOWN_CURVES[source.design.task] if key in histories.metrics]
        if len(histories.epochs) < 2 or not metrics:
            return []
        return [
            FactorCurves(
                tuple(replace(one, mean_cost=source.cost_of_mean)
                      for one in curves(source.design, histories, factor, metrics)),
                source.units,
                histories.tested,
            )
            for factor in source.matched_factors
        ]  # fmt: skip

    def panels(self, data: FactorCurves, place: int) -> list[Panel]:
        return [
            Panel(
                wording.metric(one.metric).name, partial(paint, curves=one), f"curve-{place}-{one.metric}",
                say(
                    "curves.alt", name=wording.metric(one.metric).name, factor=one.factor.name, ends=_ends_in_words(one)
                ),
                margins=(48, 8, 10, 38), readings=marks.readings(one.epochs.tolist(), one.mean, one.metric),
            )
            for one in data.curves
        ]  # fmt: skip

    def caption(self, data: FactorCurves) -> str:
        first = data.curves[0]
        seeds = first.seeds.shape[1]
        faint = axes.seeds_in_words(seeds, say("curves.each_seed"))
        band = say("curves.band", faint=faint) if seeds > 1 else ""
        carried = say("curves.carried") if any(one.carried for one in data.curves) else ""
        caption = say("curves.caption", factor=first.factor.name, band=band)
        text = joined([caption, carried, tested_line(data.tested), mean_line(first.mean_cost)])
        return in_units(text, [one.metric for one in data.curves], data.units)

    def table(self, data: FactorCurves) -> Table:
        """Means by level at a few epochs, for each metric."""
        common = reduce(np.intersect1d, [one.epochs for one in data.curves])
        epochs = common[sampled(len(common), MOST_COLUMNS)]
        heads = ("Metric", "Level", *(say("head.epoch", epoch=epoch) for epoch in epochs))
        rows = [
            (
                wording.metric(one.metric).name, label,
                *(wording.amount(value, one.metric) for value in one.mean[row, np.isin(one.epochs, epochs)]),
            )
            for one in data.curves
            for row, label in enumerate(one.factor.labels)
        ]  # fmt: skip
        return Table("Means by epoch", heads, tuple(rows), words=2)

    def legend(self, data: FactorCurves) -> tuple[Key, ...]:
        factor, held = data.curves[0].factor, np.isfinite(data.curves[0].mean).any(axis=1)
        keys = legend(factor.labels, palette.slots_of(factor.key, factor.values))
        return tuple(key for key, drawn in zip(keys, held, strict=True) if drawn)

    def legend_of(self, data: FactorCurves) -> str:
        return data.curves[0].factor.name

    def by(self, data: FactorCurves) -> str:
        return data.curves[0].factor.key

    def about(self, data: FactorCurves) -> str:
        return data.curves[0].factor.key


def curves(design: Design, histories: Histories, factor: Factor, metrics: Sequence[str]) -> list[Curves]:
    """The learning curves of `metrics` by the levels of `factor`, over the same runs as its main effect."""
    runs = matched(design, [factor.key], design.main).runs
    found = []
    for metric in metrics:
        taken = histories.places(metric)
        place = taken[sampled(len(taken), MOST_EPOCHS_OF_CURVES)]
        values, ended = histories.of(metric)
        means = within_seeds(values[runs.index.to_numpy()][:, place], runs, factor, design.seeds)
        mean, low, high = over_seeds(means.swapaxes(1, 2), wording.metric(metric).range)
        carried = bool(ended[runs.index].any())
        found.append(Curves(factor, metric, histories.epochs[place], means, mean, low, high, carried))
    return found


def within_seeds(values: np.ndarray, runs: pd.DataFrame, factor: Factor, seeds: Sequence[int]) -> np.ndarray:
    """The means of `values` (runs, epochs) within each seed of each level: (levels, seeds, epochs), NaN without a run.

    `seeds` ascend. All groups are summed in one pass: to look for each among all runs takes time in the square of them.
    """
    group = runs[f"level:{factor.key}"].to_numpy() * len(seeds) + np.searchsorted(seeds, runs[SEED].to_numpy())
    order = np.argsort(group, kind="stable")
    held, starts, counts = np.unique(group[order], return_index=True, return_counts=True)
    means = np.full((len(factor.values) * len(seeds), values.shape[1]), np.nan)
    if len(held):
        means[held] = np.add.reduceat(values[order], starts, axis=0) / counts[:, None]
    return means.reshape(len(factor.values), len(seeds), values.shape[1])


def paint(ax: Axes, curves: Curves) -> Axes:
    """A metric by epoch: one faint line for each seed, the mean, and its interval as a band."""
    for row, slot in enumerate(palette.slots_of(curves.factor.key, curves.factor.values)):
        held = curves.seeds[row][~np.isnan(curves.seeds[row]).all(axis=1)]
        if not len(held):
            continue
        if len(held) > 1:
            path = axes.as_one_path(curves.epochs, axes.drawn_seeds(held))
            ax.plot(*path, color=slot.light, linewidth=0.7, alpha=axes.FAINT, gid=marks.part_of(row))
            band = (curves.epochs, curves.low[row], curves.high[row])
            ax.fill_between(*band, color=slot.light, alpha=0.16, linewidth=0, gid=marks.part_of(row))
        mean: axes.LineStyle = {"color": slot.light, "linewidth": 1.9, "linestyle": slot.linestyle}
        ax.plot(curves.epochs, curves.mean[row], **mean, gid=marks.curve_of(row))
    if is_loss(curves.metric) and math.isfinite(curves.mean_cost):
        ax.axhline(curves.mean_cost, color=palette.GUIDE, linewidth=1.3)
    axes.value_axis(ax, curves.metric, curves.seeds.ravel())
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    room = 0.03 * (curves.epochs[-1] - curves.epochs[0])
    ax.set_xlim(curves.epochs[0] - room, curves.epochs[-1] + room)  # also if a metric begins at epoch 1
    ax.set_xlabel(word("epoch"))
    return ax


def _ends_in_words(one: Curves) -> str:
    ends = zip(one.factor.labels, one.mean[:, -1], strict=True)
    return commas([say("curves.end", label=label, value=wording.amount(value, one.metric)) for label, value in ends])
