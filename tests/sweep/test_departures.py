"""What was typed beside a sweep file is told from what the file holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from workbench.config import RunConfig, TrainingConfig
from workbench.sweep.hydra.compose import Cell
from workbench.sweep.planning.departures import departures, seedless


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


def test_known_values_in_an_unknown_combination_are_a_departure() -> None:
    both = replace(WIDE, training=SHORT.training)
    assert "combination" in departures([cell(both)], [cell(SHORT), cell(WIDE)])
