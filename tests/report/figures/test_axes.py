"""Labels of an axis: as many as there is room for, none over the next, numbers as short as they can be."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from workbench.report.figures.axes import apart, name_places


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


def test_the_rows_of_an_axis_are_counted_however_long_their_labels_are() -> None:
    axis = Figure().add_subplot().yaxis
    name_places(axis, [f"a long label {row}" for row in range(13)], most=12)
    assert len(axis.get_ticklocs()) == 7


def test_a_label_too_near_to_the_one_before_is_left_out() -> None:
    assert apart(["0 %", "50 %", "90 %", "95 %"], [0, 0.5, 0.9, 0.95]) == ["0 %", "50 %", "90 %", ""]
