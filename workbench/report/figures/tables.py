"""The page's tables: every figure has one behind it, and the table of runs stands alone. Cells are text, made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pandas as pd

from workbench.report import wording
from workbench.report.figures.curves import Curves, Layers
from workbench.report.statistics.design import SEED, Design, losses
from workbench.report.statistics.effects import Effect, Interaction, Spread
from workbench.report.verdicts.verdict import Verdict

_SAMPLES = 6  # epochs shown in the table behind a curve or a map


@dataclass(frozen=True)
class Table:
    """A table as it is shown; the first column heads its row. `words` counts the leading columns that hold words."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def factors(design: Design) -> Table:
    """The swept keys with their values."""
    rows = [(one.name, one.key, ", ".join(one.labels)) for one in design.factors]
    if len(design.seeds) > 1:
        rows.append((SEED, SEED, wording.plural(len(design.seeds), "seed")))
    return Table("What was swept", ("Factor", "Key", "Values"), tuple(rows), words=3)


def reasons(runs: pd.DataFrame) -> Table | None:
    """Why cells failed or diverged, the commonest reasons first; None where none did."""
    rows = [
        (outcome, reason, ", ".join(map(str, cells[:12])) + (" \u2026" if len(cells) > 12 else ""), str(len(cells)))
        for outcome in ("failed", "diverged")
        for reason, cells in losses(runs, outcome)
    ]
    heads = ("Outcome", "Reason", "Cells", "Runs")
    return Table("Why runs failed or diverged", heads, tuple(rows), words=3) if rows else None


def main_effects(effects: Sequence[Effect], spreads: Sequence[Spread]) -> Table:
    """One factor on each of its metrics: mean and interval by level, with the runs behind it and the share lost."""
    heads = ["Level", "Runs", "Lost"]
    for effect in effects:
        heads += [wording.metric(effect.metric).name, "95 % interval"]
    rows = []
    for place, spread in enumerate(spreads):
        row = [spread.label, str(effects[0].levels[place].runs), f"{spread.lost} of {spread.cells}"]
        for effect in effects:
            level = effect.levels[place]
            low, high = (wording.amount(end, effect.metric) for end in level.interval)
            row += [
                wording.amount(level.mean, effect.metric),
                f"{low} to {high}" if np.isfinite(level.interval.low) else "",
            ]
        rows.append(tuple(row))
    return Table(f"Means by {effects[0].factor.name}", tuple(heads), tuple(rows))


def _samples(count: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, _SAMPLES)).round().astype(int)).tolist()


def learning_curves(group: Sequence[Curves]) -> Table:
    """Means by level at a few epochs, for each metric."""
    places = _samples(len(group[0].epochs))
    heads = ("Metric", "Level", *(f"Epoch {group[0].epochs[place]}" for place in places))
    rows = [
        (
            wording.metric(one.metric).name,
            label,
            *(wording.amount(one.mean[row, place], one.metric) for place in places),
        )
        for one in group
        for row, label in enumerate(one.factor.labels)
    ]
    return Table("Means by epoch", heads, tuple(rows), words=2)


def spreads(group: Sequence[Spread], metric: str, name: str) -> Table:
    """Best, median and worst run by level."""
    rows = [
        (
            one.label,
            *(wording.amount(end, metric) for end in (one.best, one.median, one.worst)),
            f"{one.lost} of {one.cells}",
        )
        for one in group
    ]
    return Table(
        f"Sensitivity: {wording.metric(metric).name.lower()} by {name}",
        ("Level", "Best", "Median", "Worst", "Lost"),
        tuple(rows),
    )


def interactions(pairs: Sequence[Interaction]) -> Table:
    """Means and intervals over the levels of two factors, for each metric."""
    first, second = pairs[0].first, pairs[0].second
    heads = [first.name.capitalize(), second.name.capitalize()]
    for pair in pairs:
        heads += [wording.metric(pair.metric).name, "95 % interval"]
    rows = []
    for row, label in enumerate(first.labels):
        for column, other in enumerate(second.labels):
            line = [label, other]
            for pair in pairs:
                line += [wording.amount(pair.means[row, column], pair.metric), _interval(pair, row, column)]
            rows.append(tuple(line))
    return Table(f"Means by {first.name} and {second.name}", tuple(heads), tuple(rows), words=2)


def _interval(pair: Interaction, row: int, column: int) -> str:
    low, high = pair.low[row, column], pair.high[row, column]
    return f"{wording.amount(low, pair.metric)} to {wording.amount(high, pair.metric)}" if np.isfinite(low) else ""


def layers(probe: Layers) -> Table:
    """A probe by level and layer: at a few epochs, and at the end."""

    def shown(value: float) -> str:
        return wording.number(10.0**value if probe.logarithmic else value)

    places = _samples(len(probe.epochs)) if len(probe.epochs) else []
    end = np.full(probe.profiles.shape[::2], np.nan)
    for level, profiles in enumerate(probe.profiles):
        for layer in range(profiles.shape[1]):
            held = profiles[:, layer][np.isfinite(profiles[:, layer])]
            end[level, layer] = held.mean() if len(held) else np.nan
    rows = [
        (label, str(number), *(shown(probe.maps[level, row, place]) for place in places), shown(end[level, row]))
        for level, label in enumerate(probe.labels)
        for row, number in enumerate(probe.numbers)
    ]
    heads = ("Level", "Layer", *(f"Epoch {probe.epochs[place]}" for place in places), "End of run")
    return Table(wording.metric(probe.probe).name, heads, tuple(rows), words=2)


def differences(verdict: Verdict, metric: str) -> Table:
    """The paired difference of every seed."""
    rows = [(str(seed), wording.change(value, metric)) for seed, value in verdict.differences]
    return Table("Paired differences", ("Seed", "Difference"), tuple(rows))


def address(uri: str) -> str:
    """Where MLflow's pages are: the tracking server if the store is one, else where `mlflow ui` serves by default."""
    return uri.rstrip("/") if uri.startswith(("http://", "https://")) else "http://127.0.0.1:5000"


def run_link(facts: dict[str, str], run_id: str) -> str:
    """The address of a run in MLflow's own pages; "" without an id."""
    experiment = facts.get("experiment_id", "")
    if not run_id or not experiment:
        return ""
    return f"{address(facts.get('uri', ''))}/#/experiments/{quote(experiment, safe='')}/runs/{quote(run_id, safe='')}"
