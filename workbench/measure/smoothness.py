"""How steep a trained network is: the Jacobian of its logits by its inputs."""

from __future__ import annotations

import numpy as np

from workbench.measure.measurement import Analysis
from workbench.measure.trained import NetworkOnSplit
from workbench.sweep.instruments import Measured, Trained

SMALLEST_NORM = 1e-30


def jacobian_norms(view: NetworkOnSplit) -> np.ndarray:
    """The Frobenius norm of d logits / d inputs at every example, (examples,).

    The reversed network is run once for each output, with delta 1 at that output and 0 at the others.
    """
    layers = view.network.dense_layers
    squares = np.zeros(len(view.logits))
    for output in range(view.logits.shape[1]):
        back = np.zeros_like(view.logits)
        back[:, output] = 1
        for layer, before in zip(layers[::-1], [*layers[-2::-1], None], strict=True):
            back = back @ layer.weights[0]
            if before is not None:
                dl_dz = np.empty_like(before.z)
                before.reverse(back[None], out=dl_dz)
                back = dl_dz[0]
        squares += (back**2).sum(axis=1)
    return np.sqrt(squares)


def _jacobian(trained: Trained) -> Measured:
    metrics = {}
    for split in ("train", "test"):
        norms = jacobian_norms(NetworkOnSplit(trained, trained.weights.last, split))
        metrics[f"{split}_log_jacobian"] = float(np.log(np.maximum(norms, SMALLEST_NORM)).mean())
    return Measured(metrics)


SMOOTHNESS = {
    "jacobian": Analysis(
        "mean of ln of the Frobenius norm of d logits / d inputs, at the last epoch: a weak proxy of smoothness",
        ("train_log_jacobian", "test_log_jacobian"),
        _jacobian,
        dense_only=True,
    )
}
