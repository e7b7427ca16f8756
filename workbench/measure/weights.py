"""The weights of a trained network: their distribution, and the cost of removing the smallest (pruning)."""

from __future__ import annotations

import numpy as np

from workbench.measure.measurement import Analysis, tidy
from workbench.measure.trained import NetworkOnSplit, layout_of
from workbench.sweep.instruments import Measured, Trained

PRUNED = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95)
DECADES = np.linspace(-6, 2, 81)  # edges of the histogram: log10 |w|, ten bins a decade


def _sizes(trained: Trained) -> list[np.ndarray]:
    """|w| of each layer's weights, flat, in float64, without biases and slopes."""
    views = layout_of(trained).views(trained.weights.final)
    return [np.abs(view["weights"][0]).ravel().astype(np.float64) for view in views]


def _weight_histogram(trained: Trained) -> Measured:
    layers = _sizes(trained)
    whole = np.concatenate(layers)
    rows = []
    for number, sizes in enumerate(layers, start=1):
        logs = np.log10(sizes[sizes > 0])
        shares = np.histogram(np.clip(logs, DECADES[0], DECADES[-1]), DECADES)[0] / len(sizes)
        kept = np.flatnonzero(shares)
        rows += [(number, (DECADES[i] + DECADES[i + 1]) / 2, shares[i]) for i in kept]
        rows.append((number, -np.inf, float((sizes == 0).mean())))
    metrics = {
        "weight_exact_zero": float((whole == 0).mean()),
        "weight_near_zero": float((whole < 1e-2).mean()),
        "weight_largest": float(whole.max()),
        "weight_quantile_999": float(np.quantile(whole, 0.999)),
        "weight_rms": float(np.sqrt((whole**2).mean())),
    }
    return Measured(metrics, {"weight_histogram": tidy(("layer", "log10_size", "share"), rows)})


def _pruning(trained: Trained) -> Measured:
    """Sets the smallest weights of the whole network, of whichever layer, to zero. It does not train on afterwards."""
    layout = layout_of(trained)
    sizes = np.concatenate(_sizes(trained))
    accuracies, losses = [], []
    for share in PRUNED:
        threshold = np.quantile(sizes, share, method="lower") if share else -1.0
        parameters = trained.weights.final.astype(np.float64)
        for view in layout.views(parameters):
            view["weights"][np.abs(view["weights"]) <= threshold] = 0
        view_of_test = NetworkOnSplit(trained, parameters, "test")
        accuracies.append(view_of_test.accuracy)
        losses.append(view_of_test.negative_log_likelihood)
    metrics = {
        f"pruned_{round(100 * share)}_accuracy": accuracy for share, accuracy in zip(PRUNED, accuracies, strict=True)
    }
    table = {"pruned": np.array(PRUNED), "accuracy": np.array(accuracies), "loss": np.array(losses)}
    return Measured(metrics, {"pruning": table})


WEIGHTS = {
    "weight_histogram": Analysis(
        "sizes of the weights: share by layer and log10 size, exact and near zeros, the largest",
        ("weight_exact_zero", "weight_near_zero", "weight_largest", "weight_quantile_999", "weight_rms"),
        _weight_histogram,
    ),
    "pruning": Analysis(
        "test accuracy with the smallest 25 to 95 % of the weights set to zero",
        tuple(f"pruned_{round(100 * share)}_accuracy" for share in PRUNED),
        _pruning,
    ),
}
