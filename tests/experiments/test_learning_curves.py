"""What is foretold of learning curves, and how often it held: on curves that are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.experiments.composed import FILES
from workbench.claims import NothingHeld
from workbench.report.experiments import experiment_in

FORETOLD, HELD = (figure.data for figure in experiment_in(FILES["learning_curves"]).figures)
(CARRIED,) = (figure.data for figure in experiment_in(FILES["srivastava2014_share"]).figures)
(CLAIM,) = experiment_in(FILES["srivastava2014_share"]).claims


def tables(epochs: int, arms: dict[str, float], seeds: int = 3) -> Any:
    """Every arm learns by the power law that ends in its asymptote; seeds differ by a little."""
    runs, rows = [], []
    for arm, asymptote in arms.items():
        for seed in range(seeds):
            cell = len(runs)
            at = np.arange(epochs + 1)
            error = asymptote + (0.01 * seed + 0.3) / np.maximum(at, 1)
            runs.append({"cell": cell, "arm": arm, "seed": seed, "outcome": "finished", "network.width": 16,
                         "last_test_accuracy": 1 - error[-1]})  # fmt: skip
            rows.append(pd.DataFrame({"cell": cell, "epoch": at, "test_accuracy": 1 - error}))
    return SimpleNamespace(runs=pd.DataFrame(runs), epochs=pd.concat(rows, ignore_index=True))


def test_curves_that_follow_the_law_are_foretold_and_held() -> None:
    found = tables(200, {"sigmoid": 0.03, "maxout": 0.02}, seeds=6)
    foretold = FORETOLD(found)
    assert len(foretold) == 2 * 2 * 3  # networks, threes of seeds, epochs seen
    assert foretold["foretold over what came"].between(0.97, 1.03).all()
    held = HELD(found).set_index("interval")["share that held what came"]
    assert (held["by resampling seeds"] == 1).all()


def test_a_network_that_has_not_begun_to_learn_gets_no_forecast() -> None:
    with pytest.raises(NothingHeld):
        FORETOLD(tables(200, {"maxout": 0.8}))


def test_a_curve_that_is_too_short_gets_none() -> None:
    for data, epochs in ((FORETOLD, 4), (CARRIED, 2)):
        with pytest.raises(NothingHeld):
            data(tables(epochs, {"logistic": 0.02}))


def test_rows_of_the_published_table_are_carried_on_beside_it() -> None:
    found = CARRIED(tables(4, {"logistic": 0.02, "maxout": 0.01}))
    shown = found[found["row"].str.startswith("standard net")].set_index("result")["test error in percent"]
    assert shown["published"] == pytest.approx(1.6)
    assert shown["power law, seeds resampled"] == pytest.approx(2.0, abs=0.1)
    assert len(found) == 2 * (4 + 3)


@pytest.mark.parametrize(("dropout", "worse"), [(0.01, 0), (0.04, 2)])
def test_the_direction_counts_the_rows_that_are_not_better(dropout: float, worse: int) -> None:
    assert CLAIM.measure is not None
    found = CLAIM.measure(tables(4, {"logistic": 0.02, "relu_max_norm": dropout, "maxout": dropout}))
    assert found.tolist() == [worse] * 3


def test_the_direction_is_open_where_a_row_is_missing() -> None:
    assert CLAIM.measure is not None
    assert CLAIM.measure(tables(4, {"logistic": 0.02, "maxout": 0.01})).isna().all()
