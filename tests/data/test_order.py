"""The order of training examples: a permutation, fresh for every epoch, a function of seed and epoch alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.order import epoch_order

SEEDS = st.lists(st.integers(0, 2**62), min_size=1, max_size=5)


@given(seeds=SEEDS, epoch=st.integers(0, 10**6), count=st.integers(1, 200))
def test_an_order_is_a_permutation(seeds, epoch, count):
    order = epoch_order(np.array(seeds), epoch, count)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(count), (len(seeds), 1)))


@given(seeds=SEEDS, epoch=st.integers(0, 10**6), count=st.integers(1, 200))
def test_the_order_of_a_run_does_not_depend_on_its_neighbours(seeds, epoch, count):
    together = epoch_order(np.array(seeds), epoch, count)
    for run, seed in enumerate(seeds):
        np.testing.assert_array_equal(together[run], epoch_order(np.array([seed]), epoch, count)[0])


@given(seed=st.integers(0, 2**62), epoch=st.integers(0, 10**6))
def test_every_epoch_and_every_seed_has_its_own_order(seed, epoch):
    orders = [epoch_order(np.array([seed + other]), epoch + later, 60)[0] for other in (0, 1) for later in (0, 1)]
    assert len({order.tobytes() for order in orders}) == 4


def test_every_example_comes_first_about_equally_often():
    first = np.concatenate([epoch_order(np.arange(1000), epoch, 10)[:, 0] for epoch in range(10)])
    # 10,000 draws of a tenth each: a standard error of 30.
    np.testing.assert_allclose(np.bincount(first), 1000, atol=150)
