"""What a network says of test examples: every example is counted once, and the surest mistakes come first."""

from __future__ import annotations

import numpy as np
import pytest

from tests.measure.cases import tiny, trained
from workbench.measure import ANALYSES
from workbench.measure.answers import CONFUSION_TABLE, MISTAKES_TABLE, MOST_MISTAKES, PREDICTIONS_TABLE
from workbench.measure.kept_state import STATE_TABLE, state_of
from workbench.measure.trained import NetworkOnSplit, given_inputs

DIGITS = tiny(data={"name": "digits", "train_size": 60}, training={"epochs": 1})


def test_confusion_counts_every_example_and_its_diagonal_is_the_accuracy() -> None:
    run = trained(DIGITS)
    view = NetworkOnSplit(run, run.weights.final, "test")
    table = ANALYSES["answers"].analyse(run).tables[CONFUSION_TABLE]
    assert table["examples"].sum() == len(view.labels)
    right = table["examples"][table["label"] == table["named"]].sum()
    assert right / len(view.labels) == pytest.approx(view.accuracy)


def test_the_surest_mistakes_come_first_with_their_pixels() -> None:
    run = trained(DIGITS)
    view = NetworkOnSplit(run, run.weights.final, "test")
    table = ANALYSES["answers"].analyse(run).tables[MISTAKES_TABLE]
    first = {name: values[::64] for name, values in table.items()}  # an image has 8 x 8 pixels
    assert len(first["example"]) == MOST_MISTAKES
    assert (first["label"] != first["named"]).all()
    assert (np.diff(first["probability"]) <= 0).all()
    wrong = view.probabilities.max(axis=1)[~view.correct]
    assert first["probability"][0] == wrong.max()
    place = int(np.where(view.correct, -1, view.probabilities.max(axis=1)).argmax())
    pixels = given_inputs(run.data, view.split.index[0][[place]])[0]
    np.testing.assert_array_equal(table["value"][:64], pixels)


def test_a_regression_predicts_in_the_units_of_its_data() -> None:
    run = trained(tiny(data={"name": "diabetes"}, training={"epochs": 2}))
    table = ANALYSES["answers"].analyse(run).tables[PREDICTIONS_TABLE]
    assert len(table["wanted"]) == len(table["predicted"]) == len(table["output"])
    assert 25 <= table["wanted"].min() < table["wanted"].max() <= 346  # the disease's progression


def test_the_kept_state_is_what_training_would_go_on_from() -> None:
    run = trained(DIGITS)
    assert run.state is not None
    kept = state_of(ANALYSES["state"].analyse(run).tables[STATE_TABLE], {"dtype": run.pack.dtype})
    for name, values in run.state().items():
        if name != "training":
            np.testing.assert_array_equal(kept[name], np.squeeze(values))
