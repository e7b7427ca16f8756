"""What was typed beside a sweep file is told from what the file holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from workbench.config import RunConfig, TrainingConfig
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.planning.departures import (
    cells_digest,
    compared,
    departures,
    seedless,
    seeds_of,
    unasked,
    variant_name,
)


def cell(config: RunConfig) -> Cell:
    return Cell(0, (), {}, config, {})


DEFAULT = RunConfig()
SHORT = replace(DEFAULT, training=TrainingConfig(epochs=2))
WIDE = replace(DEFAULT, network=replace(DEFAULT.network, width=128))


@pytest.mark.parametrize(
    "change", [{}, {"seed": 7}, {"device": "cpu"}, {"kernel": "plain"}, {"workers": 3}, {"analyses": "pruning"}]
)
def test_seeds_machine_and_surroundings_are_no_departure(change: dict[str, Any]) -> None:
    assert departures([cell(replace(DEFAULT, **change))], [cell(DEFAULT)]) == {}


def test_a_part_of_the_design_is_no_departure() -> None:
    assert departures([cell(SHORT)], [cell(DEFAULT), cell(SHORT)]) == {}


def test_another_setting_is_named_with_what_the_file_holds() -> None:
    assert departures([cell(DEFAULT), cell(SHORT)], [cell(DEFAULT)]) == {"training.epochs": ((2,), (20,))}


def test_a_design_is_composed_once_for_all_its_seeds() -> None:
    jobs = [[f"network.depth={depth}", f"seed={seed}"] for depth in (1, 2) for seed in range(3)]
    assert seedless(jobs) == [["network.depth=1"], ["network.depth=2"]]


def test_cells_of_the_file_that_are_not_asked_for_are_counted_with_their_seeds() -> None:
    file, seeds = [cell(DEFAULT), cell(SHORT)], [{0, 1, 2}, {0}]
    every = [cell(replace(DEFAULT, seed=seed)) for seed in range(3)] + [cell(SHORT)]
    assert unasked(every, file, seeds) == (0, 4)
    assert unasked(every[1:], file, seeds) == (1, 4)
    assert unasked([cell(DEFAULT)], file, seeds) == (3, 4)
    assert unasked([], [], []) == (0, 0)


def test_another_dataset_is_asked_for_in_full() -> None:
    other = replace(DEFAULT, data=replace(DEFAULT.data, name="blobs"))
    assert unasked([cell(other)], [cell(DEFAULT)], [{0}]) == (0, 1)
    assert unasked([cell(other)], [cell(DEFAULT), cell(other)], [{0}, {0}]) == (1, 2)  # the file varies it itself


def test_the_seeds_of_a_design_stand_beside_its_rows() -> None:
    jobs = [["network.depth=1", "seed=3"], ["network.depth=2"], ["network.depth=1", "seed=4"]]
    assert seeds_of(jobs) == [{3, 4}, set()]


def test_known_values_in_an_unknown_combination_are_a_departure() -> None:
    both = replace(WIDE, training=SHORT.training)
    assert "combination" in departures([cell(both)], [cell(SHORT), cell(WIDE)])


def test_a_question_stored_before_test_every_was_a_setting_is_the_same_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts read the ends of runs, which it does not change; so to ask again is no other attempt."""
    always, default = (cell(RunConfig(training=TrainingConfig(test_every=every))) for every in (1, 5))
    keys = tuple(key for key in compared() if key != "training.test_every")
    now = [cells_digest([one], [{0}]) for one in (always, default)]
    monkeypatch.setattr("workbench.sweep.planning.departures.compared", lambda: keys)
    assert now == 2 * [cells_digest([always], [{0}])]


def test_a_variant_is_named_by_what_departs_and_the_same_one_always_alike() -> None:
    assert named(rate=[0.2]) == named(rate=[0.2], seed=[3, 4]) == "tour-rate-0.2"
    assert named("mine/tour", rate=[0.2], width=[8, 16]) == "tour-width-8-16-rate-0.2"
    many = [0.001 * k for k in range(1, 41)]
    assert named(rate=many) != named(rate=[*many, 0.9])
    assert len(named(rate=many)) < 70


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"rate": [0.2]}, {"rate": [0.0, 0.2]}),
        ({"rate": [0.0, 0.2]}, {"rate": [0.2, 0.5]}),
        ({"rate": [0.2]}, {"rate": [0.2], "depth": [1]}),
        ({"rate": [0.2], "depth": [1]}, {"rate": [0.2], "depth": [2]}),
        ({"width": [8]}, {"width": [8, 64]}),
        ({"width": [8], "rate": [0.5]}, {"width": [8], "rate": [0.0]}),
    ],
)
def test_two_designs_have_two_names(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> None:
    assert named(**one) != named(**other)


def test_the_values_of_a_part_may_come_in_any_order() -> None:
    assert named(rate=[0.2], depth=[1, 2]) == named(rate=[0.2], depth=[2, 1])


def test_combinations_and_arms_that_the_file_does_not_hold_have_names_of_their_own() -> None:
    file = [design(rate=[0.0], depth=[1])[0], design(rate=[0.5], depth=[2])[0]]
    crossed = [design(rate=[0.0], depth=[2]), design(rate=[0.5], depth=[1])]
    names = [
        variant_name("tour", departures(asked, file), asked, file) for asked in (*crossed, [*crossed[0], *crossed[1]])
    ]
    assert len(set(names)) == 3
    assert all(name.startswith("tour-combination-") for name in names)
    arms = [
        [
            replace(one, factors={"arm": place})
            for place, one in enumerate(design(depth=[3], rate=[0.1]) + design(depth=[4], rate=[0.2]))
        ],
        [
            replace(one, factors={"arm": place})
            for place, one in enumerate(design(depth=[3], rate=[0.2]) + design(depth=[4], rate=[0.1]))
        ],
    ]
    assert len({variant_name("tour", departures(asked, file), asked, file) for asked in arms}) == 2


def design(
    rate: Sequence[float] = (0.0, 0.5),
    depth: Sequence[int] = (1, 2, 4),
    width: Sequence[int] = (64,),
    seed: Sequence[int] = (0,),
) -> list[Cell]:
    """The cells of a grid, as the command composes them: what varies is a factor."""
    found = []
    axes = {"dropout.rate": rate, "network.depth": depth, "network.width": width, "seed": seed}
    for values in product(*axes.values()):
        network = replace(DEFAULT.network, depth=values[1], width=values[2])
        config = replace(DEFAULT, network=network, dropout=replace(DEFAULT.dropout, rate=values[0]), seed=values[3])
        factors = {key: value for (key, axis), value in zip(axes.items(), values, strict=True) if len(axis) > 1}
        found.append(replace(cell(config), factors=factors))
    return found


def named(stem: str = "tour", **axes: Sequence[Any]) -> str:
    """The name of a grid beside a file that holds the one by default."""
    asked, file = design(**axes), design()
    return variant_name(stem, departures(asked, file), asked, file)
