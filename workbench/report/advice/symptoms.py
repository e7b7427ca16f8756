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

LAST_FIFTH = 0.2  # of the epochs: the end of a curve


@dataclass(frozen=True)
class Symptoms:
    """One run, or a setting by the medians of its runs. NaN where nothing was stored.

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
    them by itself.
    """
    runs = design.runs[design.runs["outcome"].isin(["finished", "diverged"])]
    if "measure" in runs:
        runs = runs[runs["measure"].fillna(TRAINING) == TRAINING]
    epochs = dict(iter(tables.epochs.sort_values("epoch").groupby("cell"))) if len(tables.epochs) else {}
    layers = dict(iter(tables.layers.groupby("cell"))) if len(tables.layers) else {}
    names = [f"level:{factor.key}" for factor in design.factors]
    names = ["cell"] if by_run else names
    groups = runs.groupby(names, sort=False) if names else [((), runs)]
    found = []
    for _, rows in groups:
        each = [
            _of_run(str(outcome), epochs.get(cell), layers.get(cell))
            for cell, outcome in zip(rows["cell"], rows["outcome"], strict=True)
        ]
        if each and any(np.isfinite(one.jumps) or one.lost for one in each):
            found.append(Setting(rows, _median(each)))
    return found


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


def _of_run(outcome: str, epochs: pd.DataFrame | None, layers: pd.DataFrame | None) -> Symptoms:
    nan = float("nan")
    if outcome == "diverged" or epochs is None:
        return Symptoms(float(outcome == "diverged"), *([nan] * (len(fields(Symptoms)) - 1)))
    train, held = (_column(epochs, name) for name in ("train_loss", "validation_loss"))
    fit, accuracy = (_column(epochs, name) for name in ("train_accuracy", "validation_accuracy"))
    tail = max(1, int(len(train) * LAST_FIFTH))
    at = int(np.argmin(held)) if len(held) else 0
    end, best = (float(accuracy[-1]), float(accuracy.max())) if len(accuracy) else (nan, nan)
    reached = float(fit[-1]) if len(fit) else nan
    return Symptoms(
        lost=0.0, fit=reached, held_out=end, best_held_out=best, gap=reached - end, forgotten=best - end,
        rise=float(held[-1] / held[at]) if len(held) and held[at] > 0 else nan,
        best_epoch=float(at), best_at=at / (len(held) - 1) if len(held) > 1 else nan,
        falling=float(1 - train[-1] / train[-1 - tail]) if len(train) > tail and train[-1 - tail] > 0 else nan,
        jumps=float(np.mean(np.diff(train) > 0)) if len(train) > 1 else nan, **_of_layers(layers),
    )  # fmt: skip


def _column(epochs: pd.DataFrame, name: str) -> np.ndarray:
    return epochs[name].dropna().to_numpy(dtype=float) if name in epochs else np.empty(0)


def _of_layers(layers: pd.DataFrame | None) -> dict[str, float]:
    """The symptoms that probes show."""
    nan = float("nan")
    if layers is None or not len(layers):
        return {"reach": nan, "depth": nan, "dead": nan, "step": nan}
    gradients, dead, step = (_profile(layers, *of) for of in (("gradient_z", 1), ("dead", None), ("update_size", 1)))
    reach = gradients[0] / gradients[-1] if len(gradients) > 1 and gradients[-1] > 0 else nan
    return {
        "reach": float(reach), "depth": float(layers["layer"].max() - 1),
        "dead": float(dead.max()) if len(dead) else nan, "step": float(np.median(step)) if len(step) else nan,
    }  # fmt: skip


def _profile(layers: pd.DataFrame, probe: str, epoch: int | None) -> np.ndarray:
    """A probe by layer at that epoch, or the first one after it; at the end if None. Empty if it was not taken."""
    rows = layers[layers["probe"] == probe]
    if epoch is not None:
        rows = rows[rows["epoch"] >= epoch]
    if not len(rows):
        return np.empty(0)
    at = rows["epoch"].max() if epoch is None else rows["epoch"].min()
    found: np.ndarray = rows[rows["epoch"] == at].sort_values("layer")["value"].dropna().to_numpy(dtype=float)
    return found
