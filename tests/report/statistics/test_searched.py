"""A search has trials, trends and importances; a grid has none of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.report.figures.sources import search, search_by_two
from tests.report.synthetic import sweep
from workbench.report.figures.findings import Findings
from workbench.report.page import summary
from workbench.report.statistics.design import read
from workbench.report.statistics.searched import Searched, fitted_trend, goals_of, searched


def of(tables: object) -> Searched:
    found = searched(tables, read(tables))  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    "grid",
    [
        {"network.depth": (1, 2), "network.activation": ("relu", "tanh")},
        {"optimizer.learning_rate": tuple(2.0**-power for power in range(40))},
        {},
    ],
    ids=["a grid", "many values of one setting", "nothing swept"],
)
def test_a_grid_is_no_search(grid: dict[str, tuple[object, ...]]) -> None:
    tables = sweep(grid, seeds=2, epochs=1, trouble=False, layers=False)
    assert searched(tables, read(tables)) is None  # type: ignore[arg-type]


def test_a_search_is_ranked_by_what_it_was_asked_to_find() -> None:
    found = of(search())
    means = search().runs.groupby("optimizer.learning_rate", sort=False)["best_validation_loss"].mean()
    assert (found.metric, found.sign, found.asked) == ("best_validation_loss", -1, 24)
    assert found.ranked[0].mean == pytest.approx(means.min())
    assert found.ranked[0].number == int(np.argmin(means))
    command = "workbench hydra/sweeper=optuna hydra.sweeper.metric=best_test_accuracy hydra.sweeper.direction=maximize"
    other = of(replace(search(), facts=search().facts | {"command": command}))
    assert (other.metric, other.sign) == ("best_test_accuracy", 1)


def test_without_a_direction_a_metric_says_what_is_better() -> None:
    command = "workbench hydra/sweeper=optuna 'hydra.sweeper.metric=[best_test_accuracy, last_test_loss,dead_units]'"
    assert goals_of(command) == [("best_test_accuracy", 1), ("last_test_loss", -1), ("dead_units", -1)]
    given = goals_of(f"{command} 'hydra.sweeper.direction=[minimize,null,maximize]'")
    assert [sign for _, sign in given] == [-1, -1, 1]
    assert goals_of("workbench optimizer=adam") == []


def test_a_search_by_several_metrics_has_a_front_of_trials_that_all_finished() -> None:
    found = Findings(search_by_two()).pareto  # type: ignore[arg-type]
    assert found is not None
    assert (found.metrics, found.signs) == (("best_validation_loss", "best_epoch"), (-1, -1))
    losses, epochs = zip(*(one.means for one in found.front), strict=True)
    assert list(losses) == sorted(losses)
    assert list(epochs) == sorted(epochs, reverse=True)
    whole = search_by_two()
    best = found.front[0]
    lost = whole.runs.assign(outcome=whole.runs["outcome"].mask(whole.runs["cell"] == best.cell, "diverged"))
    other = Findings(replace(whole, runs=lost)).pareto  # type: ignore[arg-type]
    assert other is not None
    assert best.number not in [one.number for one in other.trials]
    assert Findings(search()).pareto is None  # type: ignore[arg-type]


def test_trials_that_a_person_drew_are_a_search_as_well() -> None:
    found = of(search(optuna=False))
    assert (found.metric, len(found.trials)) == ("best_test_accuracy", 24)


def test_a_setting_that_was_tried_twice_moves_no_number() -> None:
    """Trials are called by their numbers in the search, as Optuna's own tools call them."""
    whole = search()
    again = whole.runs[whole.runs["cell"] < 3].assign(cell=[0, 1, 2])
    later = whole.runs.assign(cell=whole.runs["cell"] + 3)
    found = of(replace(whole, runs=pd.concat([again, later], ignore_index=True)))
    assert [one.number for one in found.trials] == [0, *range(2, 25)]
    assert [one.number for one in of(search(optuna=False)).trials] == [*range(24)]


def test_the_factor_that_decides_is_the_important_one() -> None:
    found = of(search())
    falls = {trend.axis.factor.key: trend.importance for trend in found.trends}
    assert found.explained > 0.5
    assert max(falls, key=lambda key: falls[key]) == "optimizer.learning_rate"
    assert falls["network.width"] < 0.2 * falls["optimizer.learning_rate"]


def test_a_rank_correlation_has_an_interval_around_it_between_minus_1_and_1() -> None:
    for trend in of(search()).trends:
        if trend.axis.numeric:
            assert -1 <= trend.interval.low < trend.correlation < trend.interval.high <= 1
        else:
            assert np.isnan(trend.correlation)


def test_importances_are_the_same_every_time() -> None:
    assert [one.importance for one in of(search()).trends] == [one.importance for one in of(search()).trends]


def test_few_trials_have_no_importance() -> None:
    found = of(search(trials=6))
    assert np.isnan(found.explained)
    assert all(np.isnan(one.importance) for one in found.trends)


def test_a_trial_that_failed_is_counted_and_not_ranked() -> None:
    tables = search()
    found = of(replace(tables, runs=tables.runs.assign(outcome=["failed"] * 3 + ["finished"] * 69)))
    assert (len(found.trials), found.asked) == (23, 24)
    assert "A search of 24\u00a0trials, of which 23 have a result." in summary.of_search(found)


def test_a_trend_follows_a_straight_line() -> None:
    places = np.random.default_rng(1).uniform(0, 4, 30)
    assert fitted_trend(places, 2 * places - 1, [0.5, 3.0]) == pytest.approx([0.0, 5.0])


def test_a_search_compares_no_levels() -> None:
    found = Findings(search())  # type: ignore[arg-type]
    assert found.pairs == []
    assert not any(effect.matched for effect in found.effects["best_test_accuracy"].values() if len(effect.levels) > 2)
