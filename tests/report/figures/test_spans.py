"""A figure whose frame brings its own intervals: what is drawn where."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from workbench.report.figures.spans import Spans

NONE = float("nan")
FRAME = pd.DataFrame(
    [
        ("seen", 1, 0.5, NONE, NONE), ("seen", 4, 0.2, NONE, NONE), ("law", 100, 0.05, 0.01, 0.2),
        ("known", 100, 0.05, 0.001, 1.0),
    ],
    columns=["which", "epoch", "error", "low", "high"],
)  # fmt: skip


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, found = plt.subplots()
    yield Spans("epoch", "error", by="which")(found, FRAME, FRAME)
    plt.close(figure)


def test_what_has_no_interval_is_joined_and_what_has_one_is_not(ax: Axes) -> None:
    joined = [line.get_linestyle() != "None" for line in ax.lines]
    assert joined == [True, False, False]
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.5, 0.2], [0.05], [0.05]]


def test_bars_at_one_place_stand_side_by_side(ax: Axes) -> None:
    first, second = (float(np.asarray(line.get_xdata())[0]) for line in ax.lines[1:])
    assert first < 100 < second
    assert first * second == pytest.approx(100**2)


def test_the_axes_hold_every_end(ax: Axes) -> None:
    low, high = ax.get_ylim()
    assert low < 0.001 < 1.0 < high
    assert ax.get_xscale() == ax.get_yscale() == "log"
