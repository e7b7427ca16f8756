"""The networks of a sweep are drawn from its settings and the noted shapes of its data alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tests.report.synthetic import Tables, sweep
from workbench.engine.training.layout import Layout
from workbench.report.figures.data_shapes import noted_shapes
from workbench.report.figures.findings import Findings
from workbench.report.figures.networks import (
    MOST_NETWORKS,
    DrawnNetwork,
    Networks,
    architectures,
    parameters_by_cell,
)

DIGITS = noted_shapes("digits 8 x 8 x 1 -> 10")


def drawn(tables: Tables) -> tuple[DrawnNetwork, ...]:
    (found,) = Networks().reduce(Findings(tables))  # type: ignore[arg-type]
    return found.drawn


def of(**grid: Any) -> Tables:
    names = {f"network.{key}": values for key, values in grid.items()}
    return sweep(names, seeds=1, trouble=False, layers=False)


def test_the_fact_of_a_sweep_says_the_shapes_of_its_data() -> None:
    assert noted_shapes("blobs 2 -> 3, digits 8 x 8 x 1 -> 10") == {"blobs": ((2,), 3), "digits": ((8, 8, 1), 10)}


def test_a_dataset_of_two_shapes_is_not_guessed_at() -> None:
    assert noted_shapes("npz 2 -> 3, npz 4 -> 3") == {}


def test_a_convolutional_network_stands_layer_by_layer() -> None:
    (one,) = drawn(of(name=("cnn",), channels=("[4,8]",), depth=(1,), width=(16,)))
    assert [(layer.name, layer.shape, layer.parameters) for layer in one.layers] == [
        ("Inputs", "8 × 8 × 1", 0),
        ("Convolution 3×3", "8 × 8 × 4", 4 * 9 + 4),
        ("Max pooling 2×2", "4 × 4 × 4", 0),
        ("Convolution 3×3", "4 × 4 × 8", 8 * 9 * 4 + 8),
        ("Max pooling 2×2", "2 × 2 × 8", 0),
        ("Flatten", "32", 0),
        ("Dense", "16", 32 * 16 + 16),
        ("Output", "10", 16 * 10 + 10),
    ]


def test_equal_layers_behind_each_other_are_one() -> None:
    (one,) = drawn(of(depth=(4,), width=(8,)))
    assert [layer.name for layer in one.layers] == ["Inputs", "Dense", "3 × Dense", "Output"]
    assert one.layers[2].parameters == 3 * (8 * 8 + 8)


def test_the_parameters_are_those_that_the_engine_trains() -> None:
    tables = of(name=("mlp", "cnn"), activation=("relu", "maxout", "prelu"), depth=(1,), width=(8,))
    found = architectures(tables.runs, DIGITS)
    sizes = {sum(tensor.size for layer in Layout(one).layers for tensor in layer.tensors) for one in found}
    ends = {one.parameters for one in drawn(tables)}
    assert len(found) == 6
    assert ends <= sizes
    assert {min(sizes), max(sizes)} <= ends


def test_many_networks_are_shown_by_a_few_from_the_smallest_to_the_largest() -> None:
    tables = of(width=tuple(2**k for k in range(8)))
    sizes = [one.parameters for one in drawn(tables)]
    assert len(sizes) == MOST_NETWORKS
    assert sizes == sorted(sizes)
    (data,) = Networks().reduce(Findings(tables))  # type: ignore[arg-type]
    assert f"{MOST_NETWORKS} of 8 networks, from the smallest to the largest." in Networks().caption(data)


def test_activations_and_missing_settings_make_no_other_network() -> None:
    tables = of(activation=("relu", "tanh"))
    holed = replace(tables, runs=tables.runs.assign(**{"network.kernel": [3.0, np.nan]}))
    assert len(drawn(holed)) == 1


def test_what_the_store_does_not_say_is_not_drawn() -> None:
    tables = of(depth=(1,))
    without = replace(tables, facts={name: text for name, text in tables.facts.items() if name != "data_shapes"})
    unknown = replace(tables, runs=tables.runs.assign(**{"network.activation": "one_of_somebody"}))
    measured = replace(tables, runs=tables.runs.assign(measure="gradient_check"))
    for held in (without, unknown, measured):
        assert Networks().reduce(Findings(held)) == []  # type: ignore[arg-type]


def test_each_cell_has_the_parameters_of_its_network_if_the_store_says_what_it_is() -> None:
    tables = of(depth=(0, 1), width=(8,))
    sizes = parameters_by_cell(tables)  # type: ignore[arg-type]
    depths = tables.runs.set_index("cell")["network.depth"]
    assert sizes[depths == 0].eq(64 * 10 + 10).all()
    assert sizes[depths == 1].eq(64 * 8 + 8 + 8 * 10 + 10).all()
    assert parameters_by_cell(replace(tables, facts={})).empty  # type: ignore[arg-type]
