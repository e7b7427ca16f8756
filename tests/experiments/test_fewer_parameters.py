"""By how many times the parameters a dense network tests as well: what the claim A7 measures."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.experiments.composed import FILES
from tests.report import synthetic
from workbench.report.experiments import experiment_in

CONVOLUTIONAL, SMALL, LARGE = 1898, 75 * 8 + 10, 75 * 32 + 10  # parameters on the digits


def times(accuracy: float, small: float = 0.9, large: float = 0.96) -> float:
    """What is measured if dense networks of 8 and 32 units have these accuracies, and the convolutional one its own."""
    row = {"outcome": "finished", "measure": "training", "seed": 0, "data.name": "digits", "network.activation": "relu"}
    dense = {"arm": "dense", "network.name": "mlp", "network.depth": 1}
    rows = [
        {"arm": "convolutional", "network.name": "cnn", "network.depth": 0, "network.channels": "[8,16]"},
        {**dense, "network.width": 8},
        {**dense, "network.width": 32},
    ]
    accuracies = (accuracy, small, large)
    cells = [row | one | {"cell": n, "best_test_accuracy": accuracies[n]} for n, one in enumerate(rows)]
    facts, none = {"data_shapes": "digits 8 x 8 x 1 -> 10"}, pd.DataFrame()
    (claim,) = experiment_in(FILES["fewer_parameters"]).claims
    assert claim.measure is not None
    found = claim.measure(synthetic.Tables("part", facts, ("seed",), pd.DataFrame(cells), none, none))  # type: ignore[arg-type]
    assert list(found) == list(found.loc[[0]])
    return float(found.iloc[0])


def test_between_two_sizes_it_lies_on_a_line_over_the_logarithm() -> None:
    assert times(0.96) == pytest.approx(LARGE / CONVOLUTIONAL)
    assert times(0.93) == pytest.approx((SMALL * LARGE) ** 0.5 / CONVOLUTIONAL)


def test_beyond_the_grid_its_ends_count() -> None:
    assert times(0.99) == pytest.approx(LARGE / CONVOLUTIONAL)
    assert times(0.5) == pytest.approx(SMALL / CONVOLUTIONAL)


def test_a_larger_network_that_tests_worse_does_not_count() -> None:
    assert times(0.9, large=0.8) == pytest.approx(SMALL / CONVOLUTIONAL)
