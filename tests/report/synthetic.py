"""A made-up sweep in the shape the store gives it: plausible curves and probes, and every way a cell can come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

GRID: dict[str, tuple[Any, ...]] = {
    "network.depth": (1, 2, 4),
    "network.activation": ("sigmoid", "relu"),
    "optimizer": ("sgd", "adam"),
    "penalty": ("none", "l1", "l2"),
    "dropout.rate": (0, 0.5),
}
FACTS = {
    "command": "python -m workbench network.depth=1,2,4 network.activation=sigmoid,relu optimizer=sgd,adam "
    "penalty=none,l1,l2 dropout.rate=0,0.5 'seed=range(6)'",
    "commit": "5f0c2d9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e",
    "dirty": " workbench/engine/layers/dense.py | 4 ++--\n 1 file changed, 2 insertions(+), 2 deletions(-)",
    "versions": "numpy 2.4.6, scipy 1.17.1, hydra-core 1.3.2, mlflow 3.17.2",
    "device": "cpu", "dtype": "float32", "data digest": "0f3c9a61b2d4e587", "data_shapes": "digits 8 x 8 x 1 -> 10",
    "python": "3.11.9",
    "started": "2026-03-01 12:00:00", "seconds": "214.6", "run_id": "9f86d081884c7d65", "experiment_id": "1",
    "uri": "sqlite:///mlflow.db", "rules": "",
}  # fmt: skip


Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Tables:
    """Shaped like `workbench.tracking.read.SweepTables`."""

    name: str
    facts: dict[str, str]
    factors: tuple[str, ...]
    runs: pd.DataFrame
    epochs: pd.DataFrame
    layers: pd.DataFrame = field(default_factory=pd.DataFrame)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


def _curve(cell: dict[str, Any], epochs: int, chance: np.random.Generator) -> dict[str, np.ndarray]:
    depth, sigmoid = cell.get("network.depth", 2), cell.get("network.activation") == "sigmoid"
    adam = cell.get("optimizer") == "adam"
    drag = (depth - 1) * (0.35 if sigmoid else 0.04) * (0.25 if adam else 1.0) + (
        0.05 if cell.get("dropout.rate") else 0
    )
    pace = np.exp(-drag * 3) * (0.5 if adam else 0.3) * np.exp(chance.normal(0, 0.08))
    epoch = np.arange(epochs + 1)
    learned = 1 - np.exp(-pace * epoch)
    own = chance.normal(0, 0.012)
    wobble = chance.normal(0, 0.004, (3, epochs + 1))
    train = np.clip(0.1 + 0.895 * learned + wobble[0], 0, 1)
    gain = 0.012 * bool(cell.get("dropout.rate")) + 0.004 * (cell.get("penalty") == "l2")
    test = np.clip(0.1 + (0.845 + gain + own) * learned + wobble[1], 0, 1)
    floor = 0.002 * (1 + 9 * (cell.get("penalty") == "l1"))
    loss = 2.3 * np.exp(-2.2 * pace * epoch) + floor * np.exp(chance.normal(0, 0.2))
    return {
        "train_loss": loss, "train_accuracy": train, "validation_loss": loss * 1.1 + 0.12 + 0.02 * wobble[2],
        "validation_accuracy": test - 0.002, "test_loss": loss * 1.1 + 0.13, "test_accuracy": test,
        "learning_rate": np.full(epochs + 1, 0.1), "input_gradient": 1 / (1 + epoch),
    }  # fmt: skip


def _probes(cell: dict[str, Any], number: int, epochs: int, chance: np.random.Generator) -> Columns:
    depth, sigmoid = cell.get("network.depth", 2), cell.get("network.activation") == "sigmoid"
    layer, epoch = (part.ravel() for part in np.meshgrid(np.arange(1, depth + 2), np.arange(epochs + 1), indexing="ij"))
    decay = (0.62 if sigmoid else 0.08) * (depth + 1 - layer)
    scale = 10.0 ** (-1.2 - decay - 0.03 * epoch + chance.normal(0, 0.05, layer.size))
    dead = np.clip((0.0 if sigmoid else 0.004) * epoch + chance.normal(0, 0.004, layer.size), 0, 1)
    values = {"gradient_z": scale, "gradient_weights": scale * 0.6, "update_size": scale * 0.02, "dead": dead,
              "weight_rms": 0.1 + 0.002 * epoch}  # fmt: skip
    size, times = layer.size, len(values)
    return {
        "cell": np.full(times * size, number), "fingerprint": np.full(times * size, f"f{number:05d}", object),
        "epoch": np.tile(epoch, times), "layer": np.tile(layer, times),
        "probe": np.repeat(np.array(list(values), object), size), "value": np.concatenate(list(values.values())),
    }  # fmt: skip


def _together(parts: list[Columns]) -> pd.DataFrame:
    """The columns of all parts below each other: a frame for each part would take most of the time."""
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _kept_filters(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Four filters of 3 x 3 pixels of the first run, before and after training."""
    when, number, row, column = (part.ravel() for part in np.indices((2, 4, 3, 3)))
    weights = np.random.default_rng(3).normal(0, 0.3, when.size)
    about = {
        "cell": runs[0]["cell"],
        "fingerprint": runs[0]["fingerprint"],
        "when": np.array(["before", "after"])[when],
    }
    return pd.DataFrame(about | {
        "filter": number + 1, "channel": 1, "row": row + 1, "column": column + 1, "weight": weights,
    })  # fmt: skip


def _kept_maps(runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Two images of 5 x 5 pixels and two maps of each, of the first run."""
    when, image, channel, row, column = (part.ravel() for part in np.indices((3, 2, 2, 5, 5)))
    values = np.random.default_rng(4).exponential(1, when.size)
    whole = pd.DataFrame({
        "cell": runs[0]["cell"], "fingerprint": runs[0]["fingerprint"],
        "when": np.array(["input", "before", "after"])[when],
        "image": image + 1, "channel": channel + 1, "row": row + 1, "column": column + 1, "value": values,
    })  # fmt: skip
    return whole[(whole["when"] != "input") | (whole["channel"] == 1)]


def _kept_answers(runs: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """What the first run says of test examples: three classes, one example named as none, two mistakes of 3 x 3."""
    about = {"cell": runs[0]["cell"], "fingerprint": runs[0]["fingerprint"]}
    confusion = {"label": [0, 0, 1, 1, 2], "named": [0, 2, 1, -1, 2], "examples": [11, 2, 9, 1, 14]}
    example, row, column = (part.ravel() for part in np.indices((2, 3, 3)))
    mistakes = {
        "example": example, "label": np.array([0, 1])[example], "named": np.array([2, -1])[example],
        "probability": np.array([0.91, 0.5])[example], "row": row, "column": column,
        "value": np.random.default_rng(5).uniform(0, 16, example.size),
    }  # fmt: skip
    wanted = np.linspace(3, 9, 12)
    predictions = {"output": 1, "wanted": wanted, "predicted": wanted + np.random.default_rng(6).normal(0, 0.4, 12)}
    tables = {"confusion": confusion, "mistakes": mistakes, "predictions": predictions}
    return {name: pd.DataFrame(table).assign(**about) for name, table in tables.items()}


def _outcome(number: int, cell: dict[str, Any], trouble: bool) -> tuple[str, str]:
    if not trouble:
        return "finished", ""
    if number % 67 == 5:
        return "failed", "MemoryError: 1.2 GiB more than the device holds"
    if number % 53 == 7 and cell.get("optimizer") == "sgd":
        return "diverged", f"loss not finite at epoch {3 + number % 4}"
    return ("pending", "") if number % 101 == 11 else ("finished", "")


def _run(number: int, cell: dict[str, Any], outcome: str, reason: str, curve: dict[str, np.ndarray]) -> dict[str, Any]:
    row = {
        "cell": number, "name": f"run {number}", "fingerprint": f"f{number:05d}", "pack": f"p{number % 18:03d}",
        "outcome": outcome, "reason": reason, "reused": number % 29 == 3 and outcome == "finished",
        "run_id": f"{number:032x}" if outcome != "pending" else "", "origin": "", "weights_digest": f"w{number}",
        "overrides": " ".join(f"{key}={value}" for key, value in cell.items()), "started": 1.77e9, "ended": 1.77e9 + 60,
        "data.name": "digits", "training.epochs": 20, "training.batch_size": 32, "network.width": 64,
    } | cell  # fmt: skip
    if outcome != "pending" and outcome != "failed":
        best = int(np.argmin(curve["validation_loss"]))
        row |= {f"last_{key}": float(curve[key][-1]) for key in curve if key.endswith(("loss", "accuracy"))}
        row |= {f"best_{key}": float(curve[key][best]) for key in curve if key.endswith(("loss", "accuracy"))}
        row |= {"best_epoch": best, "epochs": len(curve["train_loss"]) - 1, "seconds": 0.4 + 0.01 * (number % 7)}
    if outcome == "diverged":
        row |= {key: np.nan for key in row if key.startswith("last_")}
    return row


def sweep(
    grid: dict[str, tuple[Any, ...]] | None = None,
    seeds: int = 6,
    epochs: int = 20,
    trouble: bool = True,
    regression: bool = False,
    layers: bool = True,
    name: str = "tour",
) -> Tables:
    """A sweep over `grid` and `seeds`; with `trouble` some cells diverge, fail, wait or are reused."""
    axes = tuple((GRID if grid is None else grid).items())
    made = _made(axes, repr(axes), seeds, epochs, trouble, regression, layers)
    frames = (made.runs.copy(), made.epochs.copy(), made.layers.copy())
    return Tables(name, dict(FACTS), made.factors, *frames, {key: table.copy() for key, table in made.tables.items()})


@lru_cache(maxsize=32)
def _made(
    axes: tuple[tuple[str, tuple[Any, ...]], ...], _written: str, seeds: int, epochs: int, trouble: bool,
    regression: bool, layers: bool,
) -> Tables:  # fmt: skip
    """The same, made once; `sweep` gives a copy of it. The axes as they are written tell 1 from 1.0 and from True."""
    grid = dict(axes)
    keys = (*grid, "seed") if seeds > 1 else tuple(grid)
    runs, histories, probes = [], [], []
    for number, values in enumerate(product(*grid.values(), range(seeds))):
        cell = dict(zip((*grid, "seed"), values, strict=True))
        chance = np.random.default_rng([cell["seed"], number])
        curve = _curve(cell, epochs, chance)
        if regression:
            curve |= {key: np.full(epochs + 1, np.nan) for key in curve if key.endswith("accuracy")}
        outcome, reason = _outcome(number, cell, trouble)
        runs.append(_run(number, cell, outcome, reason, curve))
        if outcome in ("finished", "diverged"):
            size = epochs + 1 if outcome == "finished" else min(4, epochs + 1)
            about = {"cell": np.full(size, number), "fingerprint": np.full(size, f"f{number:05d}", object)}
            values = {key: column[:size] for key, column in curve.items()}
            histories.append(about | {"epoch": np.arange(size)} | values)
            if layers:
                probes.append(_probes(cell, number, epochs, chance))
    empty = pd.DataFrame(columns=["cell", "fingerprint", "epoch", "layer", "probe", "value"])
    return Tables(
        "", {}, keys, pd.DataFrame(runs),
        _together(histories) if histories else pd.DataFrame({"cell": [], "epoch": []}),
        _together(probes) if probes else empty,
        {"filters": _kept_filters(runs), "feature_maps": _kept_maps(runs), **_kept_answers(runs)} if layers else {},
    )  # fmt: skip
