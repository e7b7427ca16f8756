"""The split of a run: disjoint, complete, nested, and a function of its seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.dataset import Facts
from workbench.data.splits import Sizes, blocks, draw_splits, split_sizes
from workbench.engine.errors import BadInput

SEEDS = st.lists(st.integers(0, 2**62), min_size=1, max_size=5)
SHARES = st.floats(0.01, 0.45)


@st.composite
def facts(draw):
    pool = draw(st.integers(12, 150))
    test_size = draw(st.one_of(st.none(), st.integers(1, 40)))
    return Facts(pool + (test_size or 0), features=3, classes=4, outputs=4, test_size=test_size)


@given(seeds=SEEDS, facts=facts(), validation=SHARES, test=SHARES)
def test_the_parts_are_disjoint_and_cover_everything(seeds, facts, validation, test):
    sizes = split_sizes(facts, None, validation, test)
    parts = draw_splits(np.array(seeds), facts, sizes)
    assert [part.shape[1] for part in parts] == [sizes.train, sizes.validation, sizes.test]
    together = np.sort(np.concatenate(parts, axis=1), axis=1)
    np.testing.assert_array_equal(together, np.tile(np.arange(facts.examples), (len(seeds), 1)))


@given(seeds=SEEDS, facts=facts(), validation=SHARES, test=SHARES)
def test_a_fixed_test_set_is_the_last_examples_and_never_trained_on(seeds, facts, validation, test):
    train, validated, tested = draw_splits(np.array(seeds), facts, split_sizes(facts, None, validation, test))
    if facts.test_size:
        assert max(train.max(), validated.max()) < facts.pool
        np.testing.assert_array_equal(tested, np.tile(np.arange(facts.pool, facts.examples), (len(seeds), 1)))


@given(seeds=SEEDS, facts=facts(), validation=SHARES, test=SHARES)
def test_the_split_of_a_run_depends_on_its_seed_alone(seeds, facts, validation, test):
    sizes = split_sizes(facts, None, validation, test)
    together = draw_splits(np.array(seeds), facts, sizes)
    for run, seed in enumerate(seeds):
        for packed, alone in zip(together, draw_splits(np.array([seed]), facts, sizes), strict=True):
            np.testing.assert_array_equal(packed[run : run + 1], alone)


@given(seeds=SEEDS, facts=facts(), validation=SHARES, test=SHARES, data=st.data())
def test_a_smaller_training_set_is_the_beginning_of_a_larger_one(seeds, facts, validation, test, data):
    whole = split_sizes(facts, None, validation, test)
    smaller = split_sizes(facts, data.draw(st.integers(1, whole.train)), validation, test)
    large, small = (draw_splits(np.array(seeds), facts, sizes) for sizes in (whole, smaller))
    np.testing.assert_array_equal(small[0], large[0][:, : smaller.train])
    np.testing.assert_array_equal(small[1], large[1])
    np.testing.assert_array_equal(small[2], large[2])


@given(seeds=SEEDS, facts=facts(), shares=st.tuples(SHARES, SHARES), test=SHARES)
def test_test_examples_do_not_depend_on_the_validation_share(seeds, facts, shares, test):
    first, second = (draw_splits(np.array(seeds), facts, split_sizes(facts, None, share, test)) for share in shares)
    np.testing.assert_array_equal(first[2], second[2])


def test_seeds_give_different_splits():
    digits = Facts(1797, 64, 10, 10)
    train, _, tested = draw_splits(np.arange(50), digits, split_sizes(digits, None, 0.15, 0.2))
    assert len({row.tobytes() for row in train}) == 50
    # Every example is tested on about equally often: 50 draws of a fifth.
    assert 8 < np.bincount(tested.ravel(), minlength=1797).mean() < 12
    assert np.bincount(tested.ravel(), minlength=1797).max() < 30


def test_sizes_are_shares_of_the_pool():
    assert split_sizes(Facts(1797, 64, 10, 10), None, 0.15, 0.2) == Sizes(1168, 270, 359)
    assert split_sizes(Facts(70000, 784, 10, 10, 10000), None, 0.15, 0.2) == Sizes(51000, 9000, 10000)
    assert split_sizes(Facts(70000, 784, 10, 10, 10000), 500, 0.15, 0.2) == Sizes(500, 9000, 10000)


def test_a_small_share_is_still_one_example():
    assert split_sizes(Facts(20, 2, 2, 2), None, 0.001, 0.001) == Sizes(18, 1, 1)


REFUSED = [
    ((None, 0.0, 0.2), "^data.validation: found 0.0; allowed is a share between 0 and 1"),
    ((None, 1.0, 0.2), "^data.validation: found 1.0"),
    ((None, 0.2, -0.1), "^data.test: found -0.1"),
    ((None, 0.2, float("nan")), "^data.test: found nan"),
    ((None, 0.5, 0.5), r"^data.validation \+ data.test: found 0.5 \+ 0.5, which leaves none of 100 examples"),
    ((0, 0.2, 0.2), r"^data.train_size: found 0; allowed is 1 to 60 \(100 examples less 20 for validation and 20 for"),
    ((61, 0.2, 0.2), "^data.train_size: found 61; allowed is 1 to 60"),
]


@pytest.mark.parametrize(("given", "expected"), REFUSED)
def test_sizes_that_do_not_fit_are_refused(given, expected):
    with pytest.raises(BadInput, match=expected):
        split_sizes(Facts(100, 2, 2, 2), *given)


def test_the_test_share_is_ignored_where_the_test_set_is_fixed():
    assert split_sizes(Facts(110, 2, 2, 2, test_size=10), None, 0.2, 7.0) == Sizes(80, 20, 10)


@given(runs=st.integers(0, 50), width=st.integers(1, 10**8))
def test_blocks_go_through_every_run_once(runs, width):
    covered = [run for block in blocks(runs, width) for run in range(runs)[block]]
    assert covered == list(range(runs))
