"""Effects are averaged within seeds, compared on matched runs, and never invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.report import curves, design, effects

from .synthetic import GRID, sweep

SWEEP = sweep(seeds=4)
DESIGN = design.read(SWEEP)


@pytest.mark.parametrize("key", GRID)
def test_a_main_effect_is_the_mean_of_the_seeds_own_means(key: str) -> None:
    whole = design.read(sweep(seeds=3, trouble=False))
    effect = effects.main_effect(whole, whole.factor(key), "best_test_accuracy")
    expected = whole.runs.groupby([key, "seed"])["best_test_accuracy"].mean().groupby(key).mean()
    assert {level.label: level.mean for level in effect.levels} == pytest.approx(
        {str(value): mean for value, mean in expected.items()}
        if key != "dropout.rate"
        else {"0": expected[0], "0.5": expected[0.5]}
    )
    assert effect.set_aside == 0


def test_counts_of_outcomes_add_up_to_the_cells() -> None:
    found = design.counts(DESIGN.runs)
    assert sum(found.values()) == len(SWEEP.runs)
    assert all(found[outcome] > 0 for outcome in design.OUTCOMES)


@pytest.mark.parametrize("key", GRID)
def test_a_level_is_compared_only_where_every_level_finished(key: str) -> None:
    runs, set_aside, is_matched = effects.matched(DESIGN, [key], "best_test_accuracy")
    others = [*(k for k in GRID if k != key), "seed"]
    assert is_matched
    assert set_aside > 0
    assert (runs.groupby(others)[key].nunique() == len(GRID[key])).all()
    assert (runs["outcome"] == "finished").all()


def test_levels_that_share_no_partner_are_said_to_be_unmatched() -> None:
    tables = sweep({"network.depth": (1, 2), "network.activation": ("relu", "sigmoid")}, seeds=3, trouble=False)
    runs = tables.runs
    diagonal = runs[(runs["network.depth"] == 1) == (runs["network.activation"] == "relu")]
    found = design.read(type(tables)("x", {}, tables.factors, diagonal, tables.epochs, tables.layers))
    effect = effects.main_effect(found, found.factors[0], "best_test_accuracy")
    assert not effect.matched
    assert np.isfinite(effect.change)


def test_intervals_need_two_seeds() -> None:
    alone = design.read(sweep(seeds=1))
    effect = effects.main_effect(alone, alone.factors[0], "best_test_accuracy")
    assert effect.seeds == 1
    assert np.isnan(effect.interval).all()


def test_best_is_the_lowest_for_a_loss() -> None:
    effect = effects.main_effect(DESIGN, DESIGN.factor("network.activation"), "last_train_loss")
    assert effect.levels[effect.top].label == "relu"
    assert effect.change < 0


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.lists(st.floats(-1, 1), min_size=2, max_size=2),
    st.floats(-1, 1),
)
def test_factors_that_add_up_do_not_interact(first: list[float], second: list[float], extra: float) -> None:
    tables = sweep({"network.depth": (1, 2, 4), "optimizer": ("sgd", "adam")}, seeds=2, trouble=False, layers=False)
    depth = tables.runs["network.depth"].map(dict(zip((1, 2, 4), first, strict=True)))
    kind = tables.runs["optimizer"].map(dict(zip(("sgd", "adam"), second, strict=True)))
    both = extra * ((tables.runs["network.depth"] == 4) & (tables.runs["optimizer"] == "adam"))
    found = design.read(
        type(tables)("x", {}, tables.factors, tables.runs.assign(score=depth + kind + both), tables.epochs)
    )
    pair = effects.interaction(found, *found.factors, "score")
    assert pair.size == pytest.approx(abs(extra) * 2 / 3, abs=1e-9)  # corner of a 3 x 2 table: 1/3 and -1/3 of it


def test_spread_counts_what_was_lost() -> None:
    for spread in effects.spreads(DESIGN, DESIGN.factor("optimizer"), "best_test_accuracy"):
        assert spread.worst <= spread.median <= spread.best
        assert spread.cells == len(SWEEP.runs) // 2
        assert spread.lost + len(spread.values) <= spread.cells
    assert sum(s.lost for s in effects.spreads(DESIGN, DESIGN.factor("optimizer"), DESIGN.main)) == design.lost(
        DESIGN.runs
    )


def test_numbers_stand_in_order_and_missing_first() -> None:
    tables = sweep({"data.train_size": (100, None, 20)}, seeds=2)
    assert design.read(tables).factors[0].labels == ("null", "20", "100")


def test_a_run_that_ends_early_keeps_its_last_value() -> None:
    tables = sweep({"optimizer": ("sgd", "adam")}, seeds=2, trouble=False)
    short = tables.epochs[(tables.epochs["cell"] != 0) | (tables.epochs["epoch"] <= 5)]
    tables = type(tables)("x", {}, tables.factors, tables.runs, short, tables.layers)
    found = design.read(tables)
    drawn = curves.curves(found, curves.Histories(tables, found), found.factors[0], "train_loss")
    assert drawn.carried
    assert (drawn.seeds[0, 0, 5:] == drawn.seeds[0, 0, 5]).all()
    assert np.isfinite(drawn.mean).all()


def test_layers_are_those_of_the_deepest_runs() -> None:
    rows, depth = curves.deepest(SWEEP, DESIGN)
    probe = curves.layers(DESIGN, rows, "gradient_z", DESIGN.factor("network.activation"), depth)
    assert depth == 4
    assert probe.logarithmic
    assert probe.numbers.tolist() == [1, 2, 3, 4, 5]
    assert probe.maps.shape == (2, 5, 21)
    sigmoid = probe.maps[0, :, -1]
    assert (np.diff(sigmoid) > 0.3).all()  # gradients grow towards the output
