"""What a trained network says of test examples: which classes it confuses, and what it gets wrong most surely.

Of a regression, what it predicts beside what was to be predicted.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.classes import named_class
from workbench.engine.rules.losses import LOSSES
from workbench.measure.measurement import Analysis, tidy
from workbench.measure.trained import NetworkOnSplit, given_inputs
from workbench.sweep.instruments import Measured, Table, Trained

CONFUSION_TABLE, MISTAKES_TABLE, PREDICTIONS_TABLE = "confusion", "mistakes", "predictions"
MOST_MISTAKES = 12  # kept with their inputs
MOST_PREDICTIONS = 400  # of each output
MOST_CLASSES = 40


def _answers(trained: Trained) -> Measured:
    view = NetworkOnSplit(trained, trained.weights.final, "test")
    if LOSSES[trained.pack.loss].task == "regression":
        return Measured({}, {PREDICTIONS_TABLE: _predictions(trained, view)})
    named = named_class(view.logits)
    tables = {}
    if trained.data.classes <= MOST_CLASSES:
        pairs, counts = np.unique(np.stack([view.labels, named]), axis=1, return_counts=True)
        tables[CONFUSION_TABLE] = {"label": pairs[0], "named": pairs[1], "examples": counts}
    if not view.correct.all():
        tables[MISTAKES_TABLE] = _mistakes(trained, view, named)
    return Measured({}, tables)


def _predictions(trained: Trained, view: NetworkOnSplit) -> Table:
    """A row for each example and output, in the units of the dataset; of many examples an even selection."""
    scale, shift = trained.data.target_scale[0], trained.data.target_shift[0]
    wanted, predicted = view.labels * scale + shift, view.logits.astype(np.float64) * scale + shift
    chosen = np.unique(np.linspace(0, len(wanted) - 1, min(len(wanted), MOST_PREDICTIONS)).round().astype(int))
    output = np.tile(np.arange(1, wanted.shape[1] + 1), len(chosen))
    return {"output": output, "wanted": wanted[chosen].ravel(), "predicted": predicted[chosen].ravel()}


def _mistakes(trained: Trained, view: NetworkOnSplit, named: np.ndarray) -> Table:
    """The mistakes that the network was surest of: a row for each number of their inputs, pixels by their places."""
    sure = np.where(view.correct, -1.0, view.probabilities.max(axis=1))
    worst = np.argsort(-sure, kind="stable")[: min(MOST_MISTAKES, int((~view.correct).sum()))]
    inputs = given_inputs(trained.data, view.split.index[0][worst])
    image = trained.data.image
    if image:  # of several channels their mean
        inputs = inputs.reshape(len(worst), *image).mean(axis=3).reshape(len(worst), -1)
    across = image[1] if image else inputs.shape[1]
    rows = [
        (number, view.labels[one], named[one], view.probabilities[one].max(), *divmod(place, across), value)
        for number, one in enumerate(worst)
        for place, value in enumerate(inputs[number])
    ]
    return tidy(("example", "label", "named", "probability", "row", "column", "value"), rows)


ANSWERS = {
    "answers": Analysis(
        "what the network says of test examples: classes it confuses, its surest mistakes, predictions of a regression",
        (),
        _answers,
    )
}
