"""The symptoms of a setting: a few numbers of its curves and probes, each the median over the seeds it ran with."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.config.reading import TRAINING
from workbench.report.statistics.design import Design

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables

JUDGED_CURVES = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
LAST_FIFTH = 0.2  # of the epochs: the end of a curve


@dataclass(frozen=True)
class Symptoms:
    """One run, or a setting by the medians of its runs. NaN if nothing was stored.

    `lost`: share of the runs that diverged. `fit`, `held_out`: accuracy on training and validation data at the end, and
    `best_held_out` at its best; `gap` and `forgotten` are fit and best_held_out minus held_out. `rise`: validation loss
    at the end over its least. `best_epoch`: the epoch of that least, `best_at` as a share of the epochs. `falling`: by
    which share the training loss fell over the last fifth of the epochs. `jumps`: share of the epochs in which it rose.
    `reach`: rms dL/dz of the first layer over that of the last, after the first epoch; `depth`: hidden layers.
    `dead`: the largest share of dead units of a hidden layer at the end. `step`: rms of the last update of the first
    epoch over that of the weights, the median layer's.
    """

    lost: float
    fit: float
    held_out: float
    best_held_out: float
    gap: float
    forgotten: float
    rise: float
    best_epoch: float
    best_at: float
    falling: float
    jumps: float
    reach: float
    depth: float
    dead: float
    step: float


@dataclass(frozen=True)
class Setting:
    """The runs of one combination of the swept factors: their rows, and their symptoms."""

    runs: pd.DataFrame
    symptoms: Symptoms


def settings_of(tables: SweepTables, design: Design, by_run: bool = False) -> list[Setting]:
    """Every setting that was trained for two epochs or more, or diverged, in the order of the cells; or every run of
    them by itself. What a search stopped early says nothing of its network.
    """
    runs = design.runs[design.runs["outcome"].isin(["finished", "diverged"]) & ~_stopped_by_a_search(design.runs)]
    if "measure" in runs:
        runs = runs[runs["measure"].fillna(TRAINING) == TRAINING]
    curves = _curves(tables.epochs)
    probes = _Probes(tables.layers)
    names = [f"level:{factor.key}" for factor in design.factors]
    names = ["cell"] if by_run else names
    groups = runs.groupby(names, sort=False) if names else [((), runs)]
    found = []
    for _, rows in groups:
        each = [
            _of_run(str(outcome), curves.get(cell), probes.of(cell))
            for cell, outcome in zip(rows["cell"], rows["outcome"], strict=True)
        ]
        if each and any(np.isfinite(one.jumps) or one.lost for one in each):
            found.append(Setting(rows, _median(each)))
    return found


def _stopped_by_a_search(runs: pd.DataFrame) -> pd.Series:
    """Whether a run was held to bounds and ended before its epochs."""
    if not {"training.bounds", "training.epochs", "epochs"} <= {*runs.columns}:
        return pd.Series(False, runs.index)
    bounded = runs["training.bounds"].fillna("").astype(str) != ""
    return bounded & (runs["epochs"] < runs["training.epochs"])


def _median(each: list[Symptoms]) -> Symptoms:
    values = {}
    for name in (field.name for field in fields(Symptoms)):
        held = np.array([getattr(one, name) for one in each])
        if name == "lost":
            values[name] = float(held.mean())
        else:
            held = held[~np.isnan(held)]
            values[name] = float(np.median(held)) if len(held) else float("nan")
    return Symptoms(**values)


def _of_run(outcome: str, curves: dict[str, np.ndarray] | None, of_layers: dict[str, float]) -> Symptoms:
    nan = float("nan")
    if outcome == "diverged" or curves is None:
        return Symptoms(float(outcome == "diverged"), *([nan] * (len(fields(Symptoms)) - 1)))
    train, held, fit, accuracy = (curves[name] for name in JUDGED_CURVES)
    tail = max(1, int(len(train) * LAST_FIFTH))
    at = int(np.argmin(held)) if len(held) else 0
    end, best = (float(accuracy[-1]), float(accuracy.max())) if len(accuracy) else (nan, nan)
    reached = float(fit[-1]) if len(fit) else nan
    return Symptoms(
        lost=0.0, fit=reached, held_out=end, best_held_out=best, gap=reached - end, forgotten=best - end,
        rise=float(held[-1] / held[at]) if len(held) and held[at] > 0 else nan,
        best_epoch=float(at), best_at=at / (len(held) - 1) if len(held) > 1 else nan,
        falling=float(1 - train[-1] / train[-1 - tail]) if len(train) > tail and train[-1 - tail] > 0 else nan,
        jumps=float(np.mean(np.diff(train) > 0)) if len(train) > 1 else nan, **of_layers,
    )  # fmt: skip


def _curves(epochs: pd.DataFrame) -> dict[int, dict[str, np.ndarray]]:
    """By cell, each of JUDGED_CURVES in the order of the epochs, without what is missing; empty if it was not recorded.

    All runs are taken apart at once: a small table for each of ten thousand runs takes seconds.
    """
    if not len(epochs):
        return {}
    rows = epochs.sort_values(["cell", "epoch"], kind="stable")
    cells, starts = np.unique(rows["cell"].to_numpy(), return_index=True)
    none = np.full(len(rows), np.nan)
    found: dict[int, dict[str, np.ndarray]] = {cell: {} for cell in cells.tolist()}
    for name in JUDGED_CURVES:
        values = rows[name].to_numpy(dtype=float) if name in rows else none
        for curves, part in zip(found.values(), np.split(values, starts[1:]), strict=True):
            curves[name] = part[~np.isnan(part)]
    return found


class _Probes:
    """The probes of all runs by layer, looked up once: a thousand runs have a thousand small tables."""

    def __init__(self, layers: pd.DataFrame) -> None:
        self._gradients = _profiles(layers, "gradient_z", 1)
        self._dead = _profiles(layers, "dead", None)
        self._steps = _profiles(layers, "update_size", 1)
        self._last = layers.groupby("cell")["layer"].max().to_dict() if len(layers) else {}

    def of(self, cell: int) -> dict[str, float]:
        """The symptoms of one run that probes show."""
        nan, none = float("nan"), np.empty(0)
        gradients, dead, step = (held.get(cell, none) for held in (self._gradients, self._dead, self._steps))
        reach = gradients[0] / gradients[-1] if len(gradients) > 1 and gradients[-1] > 0 else nan
        return {
            "reach": float(reach), "depth": float(self._last[cell] - 1) if cell in self._last else nan,
            "dead": float(dead.max()) if len(dead) else nan, "step": float(np.median(step)) if len(step) else nan,
        }  # fmt: skip


def _profiles(layers: pd.DataFrame, probe: str, epoch: int | None) -> dict[int, np.ndarray]:
    """By cell, a probe by layer at that epoch, or the first one after it; at the end if None."""
    if not len(layers):
        return {}
    rows = layers[layers["probe"] == probe]
    if epoch is not None:
        rows = rows[rows["epoch"] >= epoch]
    at = rows.groupby("cell")["epoch"].transform("max" if epoch is None else "min")
    rows = rows[rows["epoch"] == at].dropna(subset="value").sort_values(["cell", "layer"], kind="stable")
    cells, starts = np.unique(rows["cell"].to_numpy(), return_index=True)
    values = np.split(rows["value"].to_numpy(dtype=float), starts[1:])
    return dict(zip(cells.tolist(), values, strict=False))
