"""Dropout on 370 tumours: what it takes from training, what it gives to testing, and whether inputs are dropped too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Heat, Lines, Paired, Premise, Variation, varied

RATE, INPUT, WIDTH, SIZE, NOISE, EPOCHS = (
    "dropout.rate", "dropout.input_rate", "network.width", "data.train_size", "data.label_noise", "training.epochs",
)  # fmt: skip
ALL, FEW = 370, 100  # training examples
LONG, SHORT = 160, 40  # epochs of the runs that decide on dropped inputs
SECTION = "Tips for deep learning, dropout"
SEEDS, INPUT_SEEDS = tuple(range(200, 220)), tuple(range(200, 216))
DATASETS: dict[str, list[str]] = {"breast_cancer": []}


def _hidden(label: str, rate: float, noise: float) -> Arm:
    return Arm(label, {"arm": "hidden", RATE: rate, WIDTH: 128, SIZE: ALL, NOISE: noise})


def _inputs(label: str, rate: float) -> Arm:
    """Of the inputs this share is dropped, of the hidden units half."""
    return Arm(label, {"arm": "inputs", INPUT: rate, RATE: 0.5, EPOCHS: LONG})


def _higher(metric: str, treatment: Arm, baseline: Arm, margin: float, seeds: tuple[int, ...] = SEEDS) -> Paired:
    return Paired(metric, treatment, baseline, margin, "higher", seeds, family=FAMILY)


def measure(tables: Any) -> pd.DataFrame:
    """`train_loss_with_masks`: the running training loss of the last epoch, some units dropped at every step."""
    epochs = tables.epochs.dropna(subset=["train_loss"]).sort_values(["cell", "epoch"])
    return pd.DataFrame({"train_loss_with_masks": epochs.groupby("cell")["train_loss"].last()})


WITH, WITHOUT = _hidden("half of the hidden units dropped", 0.5, 0.2), _hidden("none dropped", 0.0, 0.2)
BETTER = _higher("last_test_accuracy", WITH, WITHOUT, 0.005)
INPUTS = replace(
    _higher(
        "last_test_accuracy", _inputs("inputs dropped too", 0.5), _inputs("hidden units alone", 0.0), 0.005, INPUT_SEEDS
    ),
    premises=(Premise("levelled_off"),),
)
CLAIMS = [
    Claim(
        id="D8",
        section=SECTION,
        statement="Dropout makes the result on the training data worse, with masks and with every unit in use.",
        rule=_higher("train_loss_with_masks", WITH, WITHOUT, 0.02),
        also=(_higher("last_train_loss", WITH, WITHOUT, 0.02),),
        tuned=_higher(
            "last_train_loss", _hidden("half dropped, clean labels", 0.5, 0.0),
            _hidden("none dropped, clean labels", 0.0, 0.0), 0.02,
        ),
        condition=(
            "with every unit in use only where there are wrong labels to learn by heart; on clean labels that loss "
            "hardly rises"
        ),
        measure=measure,
        remark=(
            "The rule, the networks, the epochs and the seeds are those of the digits (sweep dropout), with all 370 "
            "training examples in place of 900, and 100 in place of 200. An epoch is 11 updates here and 28 there, "
            "and one of the 114 test examples is 0.9 pp. Expected before the run: conditional, as on the digits and "
            "MNIST. With clean labels both networks fit nearly all, and a loss that is small with and without "
            "dropout cannot differ by 0.02."
        ),
    ),
    Claim(
        id="D9",
        section=SECTION,
        statement="Dropout makes the result on the test data better.",
        rule=BETTER,
        vary=varied(BETTER, {NOISE: (0.2, 0.0), WIDTH: (128, 16), SIZE: (ALL, FEW)}),
        remark=(
            "Settings are those of D8. Expected before the run: conditional on wrong labels. 440 updates are enough "
            "for 128 units to learn some of them by heart, which dropout hinders, by 2 to 4 pp of test accuracy. On "
            "clean labels these networks test at 97 % whatever is dropped."
        ),
    ),
    Claim(
        id="D11",
        section=SECTION,
        statement="The inputs are to be dropped out as well, by the same rate as the hidden units.",
        rule=INPUTS,
        vary=(
            *varied(INPUTS, {EPOCHS: (LONG, SHORT)}, premises=()),
            *varied(INPUTS, {INPUT: (0.5, 0.2), RATE: (0.5, 0.0)}),
            Variation("epoch that is tested", "the last", "its best", replace(INPUTS, metric="best_test_accuracy")),
        ),
        slip="The notes give every neuron, inputs included, one rate p; p is the share that is dropped.",
        remark=(
            "Settings are those of D8. Expected before the run: reproduced. The 30 measurements say much the same "
            "thing several times over, so that half of them nearly tell what all do, and wrong labels are harder to "
            "learn by heart from half. After 40 epochs little is learned by heart, and that variation is expected to "
            "be open."
        ),
    ),
]  # fmt: skip


def _finished(tables: Any, arm: str) -> pd.DataFrame:
    runs = tables.runs[tables.runs["outcome"] == "finished"]
    return runs[runs["arm"] == arm]


def trade_off(tables: Any) -> pd.DataFrame:
    """Training and test accuracy by rate, in every setting."""
    runs = _finished(tables, "hidden")
    words = [
        f"{width:.0f} units, {size:.0f} examples, {100 * noise:g} % wrong labels"
        for width, size, noise in runs[[WIDTH, SIZE, NOISE]].to_numpy(float)
    ]
    runs = runs.assign(setting=pd.Series(words, runs.index, dtype=object))
    parts = [
        runs.assign(on=name, accuracy=runs[key])[["setting", "on", RATE, "accuracy", "seed"]]
        for name, key in (("training data", "last_train_accuracy"), ("test data", "last_test_accuracy"))
    ]
    return pd.concat(parts)


def input_by_hidden(tables: Any) -> pd.DataFrame:
    """Test accuracy by the rate of the inputs and that of the hidden units."""
    runs = _finished(tables, "inputs").sort_values([EPOCHS, INPUT, RATE], kind="stable")
    length = runs[EPOCHS].map("{:g} epochs".format)
    return runs.assign(length=length)[["length", INPUT, RATE, "last_test_accuracy", "seed"]]


FIGURES = [
    Figure(
        "Training against test accuracy, by rate",
        "At the last epoch, training labels as given, test labels all right.",
        trade_off,
        Lines(RATE, "accuracy", by="on"),
        panels="setting",
        size=(300, 190),
        opens=True,
    ),
    Figure(
        "Inputs and hidden units",
        "Test accuracy in percent by the share of the inputs and of the hidden units that is dropped; 128 units a "
        "layer, 370 examples, 20 % wrong labels.",
        input_by_hidden,
        Heat(INPUT, RATE, "last_test_accuracy", written=True),
        panels="length",
    ),
]
