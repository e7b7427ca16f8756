"""Calibration: whether a trained network's outputs sum to one and match the observed frequencies."""

from __future__ import annotations

import numpy as np

from workbench.measure.measurement import Analysis
from workbench.measure.trained import NetworkOnSplit
from workbench.sweep.instruments import Measured, Table, Trained

BINS = 15


def reliability(probabilities: np.ndarray, correct: np.ndarray) -> Table:
    """For each of `BINS` equal bins of confidence: the share of examples, their mean confidence and their accuracy.

    Confidence is the probability of the most probable class. probabilities (examples, classes); correct (examples,)
    bool: whether the network names the right class. Empty bins are left out.
    """
    confidence = probabilities.max(axis=1)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    held = np.bincount(place, minlength=BINS)
    kept = held > 0
    return {
        "share": held[kept] / len(correct),
        "confidence": np.bincount(place, confidence, BINS)[kept] / held[kept],
        "accuracy": np.bincount(place, correct, BINS)[kept] / held[kept],
    }


def calibration_error(table: Table) -> float:
    """The expected calibration error (Guo et al. 2017): mean over examples of |confidence - accuracy| of the bin."""
    return float((table["share"] * np.abs(table["confidence"] - table["accuracy"])).sum())


def _calibration(trained: Trained) -> Measured:
    metrics: dict[str, float] = {}
    tables: list[Table] = []
    for when, parameters in (("last", trained.weights.last), ("best", trained.weights.best)):
        view = NetworkOnSplit(trained, parameters, "test")
        table = reliability(view.probabilities, view.correct)
        metrics[f"{when}_calibration_error"] = calibration_error(table)
        metrics[f"{when}_probability_sum_error"] = float(np.abs(view.probabilities.sum(axis=1) - 1).max())
        metrics[f"{when}_lowest_probability"] = float(view.probabilities.min())
        tables.append({"when": np.full(len(table["share"]), when), **table})
    together = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    return Measured(metrics, {"reliability": together})


CALIBRATION = {
    "calibration": Analysis(
        "whether test probabilities sum to 1 and match the observed frequencies, at the last and best epoch",
        tuple(
            f"{when}_{name}"
            for when in ("last", "best")
            for name in ("calibration_error", "probability_sum_error", "lowest_probability")
        ),
        _calibration,
    )
}
