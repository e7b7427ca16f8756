"""How often the test data are evaluated decides which test metrics there are, and no other number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.engine.training.evaluation import is_tested
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cases import HUGE_RATE, assert_packing_changes_nothing, course, data_for, pack_of

OF_TEST = ("metrics test_loss", "metrics test_accuracy")


def ending_variously(every: int) -> Pack:
    """Runs that end after 7 and 8 epochs, out of patience before, and at once."""
    pack = pack_of(
        4, activation="tanh", width=16, learning_rate=[0.05, 0.05, 1.0, HUGE_RATE["float64"]], epochs=[7, 8, 8, 8],
        patience=[0, 0, 1, 0],
    )  # fmt: skip
    return replace(pack, test_every=every)


def test_the_first_epochs_and_then_every_so_manieth() -> None:
    assert [epoch for epoch in range(21) if is_tested(epoch, 5)] == [0, 1, 2, 3, 4, 5, 10, 15, 20]
    assert [epoch for epoch in range(100) if is_tested(epoch, 60)] == [0, 1, 2, 3, 4, 5, 60]
    assert all(is_tested(epoch, 1) for epoch in range(21))


@settings(deadline=None, max_examples=12)
@given(every=st.integers(2, 12), run=st.integers(0, 3))
def test_only_test_metrics_between_evaluations_are_missing(every: int, run: int) -> None:
    data = data_for(ending_variously(1))
    always = course(train(ending_variously(1), data), run)
    seldom = course(train(ending_variously(every), data), run)
    assert seldom.keys() == always.keys()
    last = always["epochs"]
    there = np.array([is_tested(epoch, every) or epoch == last for epoch in range(last + 1)])
    for name, values in always.items():
        expected = np.where(there, values, np.nan) if name in OF_TEST else values
        np.testing.assert_array_equal(seldom[name], expected, err_msg=name)


@pytest.mark.parametrize("every", [2, 5])
def test_packed_is_alone_however_often(every: int) -> None:
    assert_packing_changes_nothing(ending_variously(every))
