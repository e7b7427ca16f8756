"""Labels of an axis: as many as there is room for, none over the next, numbers as short as they can be."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from workbench.report.figures import parallel_coordinates
from workbench.report.figures.axes import MOST_LABELS, apart, change_axis, decades, name_places
from workbench.report.language.words import chinese_of
from workbench.report.statistics.design import Factor
from workbench.report.statistics.searched import Axis


def named(*labels: str) -> list[str]:
    axis = Figure().add_subplot().xaxis
    name_places(axis, labels)
    return [text.get_text() for text in axis.get_ticklabels()]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["none", "l1", "l1_proximal", "l2"], ["none", "l1", "l1_proximal", "l2"]),  # a long one among short ones
        (list("123456789"), list("123456789")),
        (["momentum", "nesterov", "rmsprop", "adagrad", "adam", "sgd"], ["momentum", "rmsprop", "adam"]),
        ([f"{10 ** (-4 + n / 10):.6g}" for n in range(41)], ["0.0001", "0.0005", "0.0025", "0.013", "0.063", "0.32"]),
        (["0", "0.0001", "0.0002", "0.0005", "0.001", "0.002"], ["0", "0.0001", "0.0002", "0.0005", "0.001", "0.002"]),
        ([], []),
        (["alone"], ["alone"]),
    ],
)
def test_every_label_has_room(labels: list[str], shown: list[str]) -> None:
    if labels:
        assert named(*labels) == shown
    else:
        name_places(Figure().add_subplot().xaxis, [])


@pytest.mark.parametrize(("low", "high"), [(7.6e-4, 1.45e-3), (0.09, 0.32), (0.03, 0.9), (0.12, 0.9), (4.2e-4, 6.1e-4)])
def test_ticks_of_a_log_axis_reach_over_half_of_it(low: float, high: float) -> None:
    found = np.array([place for place in decades(np.log10(low), np.log10(high)) if low <= 10**place <= high])
    assert 2 <= len(found) <= MOST_LABELS
    assert np.ptp(found) >= np.log10(high / low) / 2


@pytest.mark.parametrize(("width", "most"), [(250, 6), (600, 9)])
def test_ticks_of_a_difference_have_room_and_its_label_says_the_unit_in_chinese(width: float, most: int) -> None:
    figure = Figure(figsize=(width / 72, 1))
    axis = figure.add_axes((0, 0.5, 1, 0.5))
    axis.set_xlim(-0.9, 0.95)
    change_axis(axis, "test_accuracy")
    ticks = [text.get_text() for text in axis.get_xticklabels()]
    assert 3 <= len(ticks) <= most
    assert ticks[-1].endswith(" pp")
    assert "pp" not in chinese_of(ticks[-1])
    assert "百分點" in chinese_of(axis.get_xlabel())


def test_the_rows_of_an_axis_are_counted_however_long_their_labels_are() -> None:
    axis = Figure().add_subplot().yaxis
    name_places(axis, [f"a long label {row}" for row in range(13)], most=12)
    assert len(axis.get_ticklocs()) == 7


def test_a_label_too_near_to_the_one_before_is_left_out() -> None:
    assert apart(["0 %", "50 %", "90 %", "95 %"], [0, 0.5, 0.9, 0.95]) == ["0 %", "50 %", "90 %", ""]


def test_a_factor_of_whole_numbers_is_told_by_whole_numbers() -> None:
    factor = Factor("network.depth", "depth", (1, 2, 3), ("1", "2", "3"))
    axis = Axis(factor, np.array([1.0, 2.0, 3.0]), logarithmic=False, numeric=True)
    assert axis.whole
    assert not replace(axis, factor=replace(factor, values=(0.5, 1.0, 2.0))).whole
    assert not replace(axis, numeric=False).whole
    found = SimpleNamespace(trends=[SimpleNamespace(axis=axis)])
    assert parallel_coordinates._ends(found, 0) == ("1", "3")  # type: ignore[arg-type]
