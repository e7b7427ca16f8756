"""The direction and the order of the rows of a published table: on test errors that are made up."""

from __future__ import annotations

import sys
from itertools import combinations, permutations
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from tests.experiments.composed import FILES
from workbench.claims import NothingHeld
from workbench.report.experiments import experiment_in

FOUND = experiment_in(FILES["srivastava2014_rows"])
ROWS = sys.modules["workbench_experiment_srivastava2014_rows"]
AGAINST, ORDER = (figure.data for figure in FOUND.figures)
MEASURE = FOUND.claims[0].measure
PUBLISHED: dict[str, float] = ROWS.PUBLISHED


def tables(errors: dict[str, float], seeds: int = 3) -> Any:
    """Every row has its error, with all seeds."""
    runs = [
        {"cell": 10 * seed + place, "arm": arm, "seed": seed, "outcome": "finished", "last_test_accuracy": 1 - error}
        for seed in range(seeds)
        for place, (arm, error) in enumerate(errors.items())
    ]
    return SimpleNamespace(runs=pd.DataFrame(runs))


def measured(errors: dict[str, float]) -> tuple[list[float], list[float]]:
    assert MEASURE is not None
    found = MEASURE(tables(errors))
    assert isinstance(found, pd.DataFrame)
    return found["rows_not_better"].tolist(), found["pairs_out_of_order"].tolist()


def test_the_published_errors_are_in_order_and_every_row_is_better() -> None:
    assert measured(PUBLISHED) == ([0, 0, 0], [0, 0, 0])


def test_the_reverse_has_every_pair_out_of_order_and_no_row_better() -> None:
    assert measured({arm: 1 - error for arm, error in PUBLISHED.items()}) == ([7, 7, 7], [28, 28, 28])


def test_every_row_has_its_words() -> None:
    assert list(ROWS.WORDS) == list(PUBLISHED)


def test_a_tie_is_not_better_and_out_of_order() -> None:
    tied = PUBLISHED | {"logistic_dropout": PUBLISHED["logistic"]}
    assert measured(tied) == ([1, 1, 1], [1, 1, 1])


def test_both_are_open_where_a_row_is_missing() -> None:
    rest = {arm: error for arm, error in PUBLISHED.items() if arm != "relu_max_norm_8192"}
    for column in measured(rest):
        assert pd.isna(column).all()


@pytest.mark.parametrize("pairs", range(7))
def test_the_share_of_orders_is_that_of_all_of_them_counted(pairs: int) -> None:
    counted = [sum(one > other for one, other in combinations(order, 2)) for order in permutations(range(4))]
    assert ROWS.chance(pairs, 4) == pytest.approx(sum(count <= pairs for count in counted) / len(counted))


def test_the_rule_allows_what_one_order_in_twenty_has_at_most() -> None:
    allowed = ROWS.PAIRS_ALLOWED
    assert ROWS.chance(allowed, len(PUBLISHED)) <= 0.05 < ROWS.chance(allowed + 1, len(PUBLISHED))


def test_rows_that_ended_are_shown_without_those_that_did_not() -> None:
    rest = {arm: PUBLISHED[arm] for arm in ("logistic", "maxout")}
    shown = AGAINST(tables(rest))
    assert list(shown["row"].unique()) == [ROWS.WORDS[arm] for arm in rest]
    assert sorted(shown["test error in percent"].round(6).unique()) == [0.94, 1.6]
    ours = ORDER(tables(rest)).set_index("result").loc["ours"]
    assert (ours["pairs out of order"], ours["share of orders with as few"]) == (0, 0.5)


def test_one_row_has_no_order() -> None:
    with pytest.raises(NothingHeld):
        ORDER(tables({"logistic": 0.02}))
