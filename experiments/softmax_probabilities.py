"""Softmax gives probabilities: they always sum to one, and come true as they say until the network overfits."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.claims import FAMILY, Arm, Claim, Figure, Identity, Lines, Paired, melted, runs, table

OVERFITTED = {"data.train_size": 200, "training.epochs": 100}

CLAIMS = [
    Claim(
        id="A5",
        section="The model, multi-class classifier",
        statement=(
            "Softmax turns the outputs into class probabilities: they sum to one; as often as they say they come true "
            "only until the network overfits, for at the end of a long training on few examples they are further off "
            "than at its best epoch."
        ),
        rule=Identity("last_probability_sum_error", Arm("every run"), 1e-6),
        also=(
            Paired(
                metric="last_calibration_error",
                treatment=Arm("epoch 100, 200 examples", OVERFITTED),
                baseline=Arm("its best epoch", OVERFITTED, metric="best_calibration_error"),
                margin=0.02,
                direction="higher",
                seeds=tuple(range(12)),
                family=FAMILY,
            ),
        ),
    )
]


def _size(rows: pd.DataFrame) -> pd.DataFrame:
    sizes = rows["data.train_size"].map(lambda size: "all examples" if pd.isna(size) else f"{size:g} examples")
    return rows.assign(trained_on=sizes).drop(columns="data.train_size")


def errors(tables: Any) -> pd.DataFrame:
    """Calibration error by epochs, at the last and at the best epoch."""
    names = {"last_calibration_error": "last epoch", "best_calibration_error": "best epoch"}
    rows = melted(runs("data.train_size", "training.epochs", *names)(tables), names, "at", "last_calibration_error")
    return _size(rows)


def losses(tables: Any) -> pd.DataFrame:
    """Negative log-likelihood by epochs, at the last and at the best epoch."""
    names = {"last_test_loss": "last epoch", "best_test_loss": "best epoch"}
    rows = melted(runs("data.train_size", "training.epochs", *names)(tables), names, "at", "test_loss")
    return _size(rows)


def reliability(tables: Any) -> pd.DataFrame:
    """How often an answer is right by how sure the network is of it, all seeds together, after 100 epochs."""
    rows = table("reliability", "data.train_size", where=lambda runs: runs["training.epochs"] == 100)(tables)
    rows = _size(rows[rows["when"] == "last"])
    rows = rows.assign(confidence=(rows["confidence"] * 15).astype(int).clip(upper=14) / 15 + 1 / 30)
    sums = (
        rows.assign(right=rows["accuracy"] * rows["share"])
        .groupby(["trained_on", "confidence"])[["right", "share"]]
        .sum()
    )
    found = (sums["right"] / sums["share"]).rename("test_accuracy").reset_index()
    said = found.assign(trained_on="if it came true", test_accuracy=found["confidence"]).drop_duplicates("confidence")
    return pd.concat([found, said])


FIGURES = [
    Figure(
        "Calibration error by epochs of training",
        "Mean distance between how sure the network is and how often it is right, on test data.",
        errors,
        Lines("training.epochs", "last_calibration_error", by="at", log_x=True),
        panels="trained_on",
    ),
    Figure(
        "Negative log-likelihood by epochs of training",
        "On test data; the best epoch is the one with the best validation loss.",
        losses,
        Lines("training.epochs", "test_loss", by="at", log_x=True),
        panels="trained_on",
    ),
    Figure(
        "Reliability after 100 epochs",
        "How often answers are right, by how sure the network is of them; all seeds together.",
        reliability,
        Lines("confidence", "test_accuracy", by="trained_on"),
    ),
]
