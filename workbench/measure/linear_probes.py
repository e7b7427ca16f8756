"""How well a linear classifier predicts the classes from each layer's outputs (Alain and Bengio 2016)."""

from __future__ import annotations

import numpy as np

from workbench.measure.measurement import Analysis, tidy
from workbench.measure.trained import NetworkOnSplit, layout_of, share_named
from workbench.sweep.instruments import Measured, Trained

REGULARIZATION = 1.0  # scikit-learn's C: the same for every layer and every network
ITERATIONS = 200


def untrained_weights(trained: Trained) -> np.ndarray:
    """The parameters the run started from, (1, size) float64."""
    return layout_of(trained).initial(trained.pack.take([0]).columns, np.float64)


def standardisation(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of every unit, (examples, units) -> (units,) float64 each.

    If a unit varies by no more than its rounding error, its deviation is infinite, so that the feature becomes 0.
    """
    wide = features.astype(np.float64)
    mean, deviation = wide.mean(axis=0), wide.std(axis=0)
    rounding = 4 * np.finfo(features.dtype).eps * np.abs(wide).max(axis=0)
    return mean, np.where(deviation > rounding, deviation, np.inf)


def probe_accuracy(features: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Test accuracy of multinomial logistic regression on standardised features, (examples, units) each."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, deviation = standardisation(features)
    probe = LogisticRegression(C=REGULARIZATION, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the budget is the same for every layer
        probe.fit((features - mean) / deviation, labels)
    return share_named(probe.decision_function((test - mean) / deviation), probe.classes_, test_labels)


def _linear_probes(trained: Trained) -> Measured:
    networks = {"trained": trained.weights.final, "untrained": untrained_weights(trained)}
    rows: list[tuple[str, int, float]] = []
    for name, parameters in networks.items():
        train, test = (NetworkOnSplit(trained, parameters, split) for split in ("train", "test"))
        for layer, (features, unseen) in enumerate(zip(train.activations, test.activations, strict=True)):
            if layer or name == "trained":  # the inputs are the same for both
                rows.append((name, layer, probe_accuracy(features, train.labels, unseen, test.labels)))
    found = {(name, layer): accuracy for name, layer, accuracy in rows}
    last = len(layout_of(trained).layers) - 1  # hidden layer
    metrics = {"linear_probe_inputs": found["trained", 0]}
    if last:
        metrics |= {f"linear_probe_{name}": found[name, last] for name in networks}
    return Measured(metrics, {"linear_probes": tidy(("network", "layer", "accuracy"), rows)})


LINEAR_PROBES = {
    "linear_probes": Analysis(
        "test accuracy of logistic regression on the inputs and on each hidden layer, trained and untrained",
        ("linear_probe_inputs", "linear_probe_trained", "linear_probe_untrained"),
        _linear_probes,
    )
}
