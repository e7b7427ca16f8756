"""A network without hidden layers against scikit-learn's logistic regression with the same penalty on the same data."""

from __future__ import annotations

import numpy as np

from workbench.engine.errors import BadInput
from workbench.measure.measurement import Analysis
from workbench.measure.trained import NetworkOnSplit, layout_of, scaled_inputs
from workbench.sweep.instruments import Measured, Trained


def _logistic_regression(trained: Trained) -> Measured:
    from sklearn.linear_model import LogisticRegression

    pack, data = trained.pack, trained.data
    strength = float(pack.columns["l2"][0])
    if pack.depth or pack.widths or pack.loss != "binary_cross_entropy" or strength <= 0:
        raise BadInput(
            f"analyses=logistic_regression: found network.depth {pack.depth}, network.loss {pack.loss}, penalty.l2 "
            f"{strength:g}; allowed are depth 0, binary_cross_entropy and l2 over 0"
        )
    labels = data.train.targets[0]
    # The engine's loss is a mean over the n examples, scikit-learn's is a sum. So C = 1 / (n l2).
    reference = LogisticRegression(C=1 / (len(labels) * strength), solver="newton-cholesky", tol=1e-10, max_iter=1000)
    reference.fit(scaled_inputs(data, data.train), labels)
    layer = layout_of(trained).views(trained.weights.last.astype(np.float64))[0]
    ours = np.append(layer["weights"][0, 0], layer["biases"][0, 0])
    theirs = np.append(reference.coef_[0], reference.intercept_[0])
    view = NetworkOnSplit(trained, trained.weights.last, "test")
    expected = reference.predict_proba(scaled_inputs(data, data.test))
    return Measured(
        {
            "logistic_weights_error": float(np.abs(ours - theirs).max() / np.abs(theirs).max()),
            "logistic_probability_error": float(np.abs(view.probabilities - expected).max()),
        }
    )


LOGISTIC_REGRESSION = {
    "logistic_regression": Analysis(
        "largest difference from scikit-learn's logistic regression: weights (relative), probabilities on test data",
        ("logistic_weights_error", "logistic_probability_error"),
        _logistic_regression,
        dense_only=True,
    )
}
