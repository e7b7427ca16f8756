"""How training went if nothing but the seed was swept: losses and accuracies by epoch, training beside held-out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workbench.report import wording
from workbench.report.figures import axes, marks, palette
from workbench.report.figures.base import MOST_COLUMNS, FigureKind, Key, Panel, Table, legend, sampled
from workbench.report.figures.findings import Findings
from workbench.report.figures.tested import tested_line
from workbench.report.figures.units import in_units, mean_line
from workbench.report.language.words import commas, joined, say, word
from workbench.report.statistics.histories import Evaluations, Histories
from workbench.report.statistics.intervals import over_seeds

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Parts:
    """A loss or an accuracy by epoch: part of the data -> (runs, epochs), NaN at epochs where it was not taken."""

    kind: str
    epochs: np.ndarray
    runs: dict[str, np.ndarray]
    units: str
    mean_cost: float = float("nan")
    tested: Evaluations | None = None

    def mean(self, part: str) -> np.ndarray:
        """Mean over runs, (epochs,)."""
        return over_seeds(self.runs[part].T)[0]


class WholeCurves(FigureKind[Findings, Parts]):
    """A figure of the loss and one of the accuracy, of runs that differ in nothing but their seed."""

    section = "outcome"
    nothing = "Factors were swept, or nothing was trained over two epochs: there are no curves of the whole sweep."
    heading = "h3"

    def reduce(self, source: Findings) -> list[Parts]:
        done = (source.design.runs["outcome"] == "finished").to_numpy()
        if source.design.factors or len(source.histories.epochs) < 2 or not done.any():
            return []
        found = []
        for kind in ("loss", "accuracy"):
            runs = {
                part: _where_taken(source.histories, f"{part}_{kind}")[done]
                for part in PARTS
                if f"{part}_{kind}" in source.histories.metrics
            }
            cost = source.cost_of_mean if kind == "loss" else float("nan")
            histories = source.histories
            found += [Parts(kind, histories.epochs, runs, source.units, cost, histories.tested)] if runs else []
        return found

    def panels(self, data: Parts, place: int) -> list[Panel]:  # noqa: ARG002
        ends = commas([
            say("whole.end", part=word(part), value=wording.amount(data.mean(part)[-1], f"{part}_{data.kind}"))
            for part in data.runs
        ])  # fmt: skip
        alt = say("whole.alt", title=_title(data), ends=ends)
        means = np.array([data.mean(part) for part in data.runs])
        readings = marks.readings(data.epochs.tolist(), means, f"train_{data.kind}")
        return [Panel(_title(data), partial(paint, data=data), f"whole-{data.kind}", alt, readings=readings)]

    def caption(self, data: Parts) -> str:
        runs = len(next(iter(data.runs.values())))
        band = say("whole.mean", runs=runs) if runs > 1 else ""
        text = joined([band, say("whole.caption"), tested_line(data.tested), mean_line(data.mean_cost)])
        return in_units(text, [f"train_{data.kind}"], data.units)

    def table(self, data: Parts) -> Table:
        """Means at a few epochs."""
        everywhere = np.flatnonzero(np.isfinite([data.mean(part) for part in data.runs if part != "train"]).all(axis=0))
        places = everywhere[sampled(len(everywhere), MOST_COLUMNS)]
        rows = [
            (word(part), *(wording.amount(data.mean(part)[place], f"{part}_{data.kind}") for place in places))
            for part in data.runs
        ]
        heads = ("Part", *(say("head.epoch", epoch=data.epochs[place]) for place in places))
        return Table(_title(data), heads, tuple(rows))

    def legend(self, data: Parts) -> tuple[Key, ...]:
        return legend([word({"train": "training"}.get(part, part)) for part in data.runs], _slots(data))

    def legend_of(self, data: Parts) -> str:  # noqa: ARG002
        return word("part of the data")

    def by(self, data: Parts) -> str:  # noqa: ARG002
        return "part"


def _where_taken(histories: Histories, metric: str) -> np.ndarray:
    """The metric (cells, epochs), NaN at epochs where it was not taken."""
    values, places = histories.of(metric)[0], histories.places(metric)
    taken = np.full_like(values, np.nan)
    taken[:, places] = values[:, places]
    return taken


def _title(data: Parts) -> str:
    return word(f"{data.kind.capitalize()} by epoch")


def _slots(data: Parts) -> list[palette.Slot]:
    return [slot for part, slot in zip(PARTS, palette.slots(len(PARTS)), strict=True) if part in data.runs]


def paint(ax: Axes, data: Parts) -> Axes:
    """A line for each part of the data, with a band over runs if there are several."""
    key = f"train_{data.kind}"
    for arm, ((part, values), slot) in enumerate(zip(data.runs.items(), _slots(data), strict=True)):
        taken = np.isfinite(values).any(axis=0)  # a line joins the epochs where it was
        epochs, runs = data.epochs[taken], values[:, taken]
        if len(runs) > 1:
            _, low, high = over_seeds(runs.T, wording.metric(f"{part}_{data.kind}").range)
            band = (epochs, low, high)
            ax.fill_between(*band, color=slot.light, alpha=0.16, linewidth=0, gid=marks.part_of(arm))
        mean: axes.LineStyle = {"color": slot.light, "linewidth": 1.9, "linestyle": slot.linestyle}
        ax.plot(epochs, over_seeds(runs.T)[0], **mean, gid=marks.curve_of(arm))
    if math.isfinite(data.mean_cost):
        ax.axhline(data.mean_cost, color=palette.GUIDE, linewidth=1.3)
    axes.value_axis(ax, key, np.concatenate([data.mean(part) for part in data.runs]))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel(word("epoch"))
    return ax
