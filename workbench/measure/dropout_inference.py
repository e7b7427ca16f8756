"""Three ways to test a network trained with dropout: scaled weights, unscaled weights, an average over masks."""

from __future__ import annotations

import numpy as np

from workbench.engine.classes import named_class
from workbench.engine.layers.dropout import Dropout
from workbench.engine.training.monte_carlo import MonteCarlo
from workbench.measure.measurement import Analysis, tidy
from workbench.measure.trained import NetworkOnSplit, as_classes, layout_of, negative_log_likelihood
from workbench.sweep.instruments import Measured, Trained

SAMPLES = (1, 3, 10, 30, 100)
FORMS = ("scaled", "unscaled", "monte_carlo", "geometric")  # the last: the geometric average over the most masks


def unscaled(trained: Trained, parameters: np.ndarray) -> np.ndarray:
    """The weights in the notes' scale, (1, size): each divided by the share kept of its layer's inputs.

    In training the engine divides the kept units by 1 - rate; the notes do not. Biases stay as they are.
    """
    layout, result = layout_of(trained), parameters.astype(np.float64)
    views, kept = iter(layout.views(result)), 1.0
    for layer in layout.sequence:
        if isinstance(layer, Dropout):
            kept *= 1 - trained.pack.columns[layer.rate][0]
        elif layer.tensors:
            next(views)["weights"][...] /= kept
            kept = 1.0
    return result


def _monte_carlo(trained: Trained) -> Measured:
    final = trained.weights.final
    rows = []
    for form, parameters in (("scaled", final), ("unscaled", unscaled(trained, final))):
        view = NetworkOnSplit(trained, parameters, "test")
        rows.append((form, 0, view.accuracy, view.negative_log_likelihood))
    data, pack = trained.data, trained.pack
    masks = MonteCarlo(pack, layout_of(trained), final, data.inputs, data, data.test)
    labels = data.test.targets[0]
    for samples in SAMPLES:
        outputs = as_classes(masks.outputs(samples)[0])
        accuracy = float((named_class(outputs) == labels).mean())
        rows.append(("monte_carlo", samples, accuracy, negative_log_likelihood(outputs, labels)))
    geometric = as_classes(masks.outputs(SAMPLES[-1], geometric=True)[0])
    accuracy = float((named_class(geometric) == labels).mean())
    rows.append(("geometric", SAMPLES[-1], accuracy, negative_log_likelihood(geometric, labels)))
    metrics: dict[str, float] = {}
    for form, _, accuracy, loss in rows:  # the average over the most masks comes last and stays
        metrics |= {f"{form}_test_accuracy": accuracy, f"{form}_test_loss": loss}
    return Measured(metrics, {"monte_carlo": tidy(("form", "samples", "accuracy", "loss"), rows)})


DROPOUT_INFERENCE = {
    "monte_carlo": Analysis(
        "test accuracy and loss with weights scaled by 1 - rate, not scaled, and averaged over up to 100 masks",
        tuple(f"{form}_test_{kind}" for form in FORMS for kind in ("accuracy", "loss")),
        _monte_carlo,
        version=2,
    )
}
