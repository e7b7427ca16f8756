"""Vanishing gradients in deep convolutional networks, and their cure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.claims import IMAGES_FAMILY, Arm, Claim, Figure, Heat, Lines, Paired

CHANNELS, SEEDS = "network.channels", tuple(range(12))
SECTION = "Convolutional networks"
LAYERS = {"[8,8]": 2, "[8,8,8,8]": 4, "[8,8,8,8,8,8,8,8]": 8}
SHALLOW, _, DEEP = LAYERS
LABELS = {
    "sigmoid_fan_in": "sigmoid, fan-in weights",
    "sigmoid_four_times_glorot": "sigmoid, 4 × Glorot, Adam",
    "relu_fan_in": "ReLU, fan-in weights",
    "relu_he": "ReLU, He",
    "relu_he_adam": "ReLU, He, Adam",
}


def _arm(name: str, channels: str) -> Arm:
    return Arm(f"{LABELS[name]}, {LAYERS[channels]} convolutions", {"arm": name, CHANNELS: channels})


def _accuracy(treatment: Arm, baseline: Arm, direction: str, against: tuple[Arm, Arm] | None = None) -> Paired:
    return Paired(
        metric="last_train_accuracy", treatment=treatment, baseline=baseline, against=against, margin=0.05,
        direction=direction, seeds=SEEDS, family=IMAGES_FAMILY,
    )  # fmt: skip


def measure(tables: Any) -> pd.Series:
    """`slope_gradient_z`: the least-squares slope over the layers of log10 rms(dL/dz) before the first update, in
    decades a layer, by cell.
    """
    rows = tables.layers[(tables.layers["probe"] == "gradient_z") & (tables.layers["epoch"] == 0)]
    rows = rows[rows["value"] > 0]
    logs = rows.assign(log=np.log10(rows["value"]))[["cell", "layer", "log"]]
    centred = logs[["layer", "log"]] - logs.groupby("cell")[["layer", "log"]].transform("mean")
    products = pd.DataFrame({"xy": centred["layer"] * centred["log"], "xx": centred["layer"] ** 2})
    sums = products.groupby(logs["cell"]).sum()
    return sums["xy"] / sums["xx"]


def _slopes(tables: Any) -> pd.DataFrame:
    return pd.DataFrame({"slope_gradient_z": measure(tables)})


SICK = _arm("sigmoid_fan_in", DEEP)
CLAIMS = [
    Claim(
        id="C4c",
        section=SECTION,
        statement=(
            "Gradients vanish in deep convolutional networks too: with the sigmoid they are small near the input, and "
            "8 convolutions end with a lower training accuracy than 2, by more than ReLU networks lose."
        ),
        rule=_accuracy(
            SICK, _arm("sigmoid_fan_in", SHALLOW), "lower", (_arm("relu_he", DEEP), _arm("relu_he", SHALLOW))
        ),
        also=(
            Paired(
                metric="slope_gradient_z", treatment=SICK, baseline=Arm("no change from layer to layer", constant=0.0),
                margin=0.05, direction="higher", seeds=SEEDS, family=IMAGES_FAMILY,
            ),
        ),
        tuned=_accuracy(
            _arm("sigmoid_four_times_glorot", DEEP), _arm("sigmoid_four_times_glorot", SHALLOW), "lower",
            (_arm("relu_he_adam", DEEP), _arm("relu_he_adam", SHALLOW)),
        ),
        condition=(
            "it holds from fan-in weights under plain gradient descent, not from four times Glorot's weights under Adam"
        ),
        measure=_slopes,
        remark=(
            "Convolutions of 8 filters of 3 x 3 without pooling, and an output. The slope over the layers of log10 rms "
            "of dL/dz before the first update is in decades a layer. Rates and epochs come from a pilot on seeds of "
            "1000 and up, which decide nothing. From it was known that sigmoid networks of 4 and 8 convolutions stay "
            "at chance under plain gradient descent, and with pixels on one scale ReLU ones of 8 from fan-in weights."
        ),
    ),
    Claim(
        id="C8c",
        section=SECTION,
        statement="ReLU cures it in convolutional networks as well.",
        rule=_accuracy(_arm("relu_fan_in", DEEP), SICK, "higher"),
        tuned=_accuracy(_arm("relu_he", DEEP), SICK, "higher"),
        condition=(
            "ReLU cures it from initial weights that suit it (He's), not from the fan-in weights of the sigmoid"
        ),
        remark="The settings are those of C4c, and so is what was known of them.",
    ),
]  # fmt: skip


def _finished(tables: Any, *arms: str) -> pd.DataFrame:
    """The finished runs of these arms, in this order, with their number of convolutions."""
    runs = tables.runs[tables.runs["outcome"] == "finished"]
    chosen = pd.concat([runs[runs["arm"] == arm] for arm in arms])
    return chosen.assign(network=chosen["arm"].map(LABELS), convolutions=chosen[CHANNELS].map(LAYERS)).dropna(
        subset=["convolutions"]
    )


def accuracy_by_depth(tables: Any) -> pd.DataFrame:
    """Training accuracy by the number of convolutions."""
    return _finished(tables, *LABELS)[["network", "convolutions", "last_train_accuracy", "seed"]]


def _deep(tables: Any, probe: str) -> pd.DataFrame:
    """Layers and epochs of a probe in the networks of 8 convolutions."""
    runs = _finished(tables, *LABELS)
    runs = runs[runs["convolutions"] == LAYERS[DEEP]][["cell", "seed", "network"]]
    rows = tables.layers[tables.layers["probe"] == probe]
    order = {cell: place for place, cell in enumerate(runs["cell"])}
    rows = rows.merge(runs, on="cell").sort_values("cell", key=lambda cells: cells.map(order), kind="stable")
    return rows[["network", "epoch", "layer", "value", "seed"]]


def gradients(tables: Any) -> pd.DataFrame:
    """rms(dL/dz) by layer and epoch."""
    return _deep(tables, "gradient_z")


def gradients_at_first(tables: Any) -> pd.DataFrame:
    """rms(dL/dz) by layer before the first update."""
    rows = _deep(tables, "gradient_z")
    return rows[rows["epoch"] == 0][["network", "layer", "value", "seed"]]


def curves(tables: Any) -> pd.DataFrame:
    """Training accuracy by epoch, 8 convolutions."""
    runs = _finished(tables, *LABELS)
    runs = runs[runs["convolutions"] == LAYERS[DEEP]][["cell", "seed", "network"]]
    epochs = runs.merge(tables.epochs[["cell", "epoch", "train_accuracy"]], on="cell")
    return epochs[epochs["epoch"] > 0][["network", "epoch", "train_accuracy", "seed"]]


FIGURES = [
    Figure(
        "Training accuracy by the number of convolutions",
        "At the last epoch; the line at 10 % is chance.",
        accuracy_by_depth,
        Lines("convolutions", "last_train_accuracy", by="network", guides=(0.1,)),
    ),
    Figure(
        "Before the first update: dL/dz by layer",
        "rms over examples, places and channels; 8 convolutions, the one that reads the image first, and the output "
        "layer. A straight line loses the same share at every layer.",
        gradients_at_first,
        Lines("layer", "value", by="network", log_y=True),
    ),
    Figure(
        "Where the gradient is lost: dL/dz by layer and epoch",
        "Geometric mean over seeds; 8 convolutions, the first at the bottom, and the output at the top; one scale.",
        gradients,
        Heat("epoch", "layer", "value", log=True, upwards=True),
        panels="network",
    ),
    Figure(
        "Training accuracy by epoch, 8 convolutions",
        "Whether a network fails, or only takes longer.",
        curves,
        Lines("epoch", "train_accuracy", by="network", guides=(0.1,)),
    ),
]
