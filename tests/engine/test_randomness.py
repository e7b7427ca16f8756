"""Randomness is a function of (seed, purpose, step, part): the same integers everywhere, and no two streams alike."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from workbench.engine.training.randomness import Purpose, bits, keys, lanes, normal, permutations, uniform

COUNT = 20000


def test_the_integers_are_pinned() -> None:
    """Changing one changes every run ever recorded: raise NUMERICAL_VERSION, and these numbers."""
    assert keys(0, Purpose.WEIGHTS).tolist() == GOLDEN_KEYS[0]
    assert keys([1, 2], Purpose.DROPOUT, step=3, part=4).tolist() == GOLDEN_KEYS[1]
    assert bits(keys(0, Purpose.WEIGHTS), 4).tolist() == GOLDEN_BITS[0]
    assert bits(keys(7, Purpose.ORDER, step=5), 4).tolist() == GOLDEN_BITS[1]
    assert lanes(keys(0, Purpose.WEIGHTS), 5).tolist() == GOLDEN_LANES
    assert permutations(keys(3, Purpose.SPLIT), 8).tolist() == GOLDEN_PERMUTATION


def test_purposes_are_never_renumbered() -> None:
    assert {purpose.name: int(purpose) for purpose in Purpose} == {
        "SPLIT": 1,
        "LABEL_NOISE": 2,
        "WEIGHTS": 3,
        "ORDER": 4,
        "DROPOUT": 5,
        "MONTE_CARLO": 6,
        "DATASET": 7,
        "SHIFT": 8,
        "PIXELS": 9,
    }


def test_no_two_keys_are_alike() -> None:
    found = [
        keys(np.arange(60)[:, None, None], purpose, step=np.arange(50)[None, :, None], part=np.arange(6)[None, None, :])
        for purpose in Purpose
    ]
    assert len(np.unique(found)) == np.size(found)


def test_seed_step_and_part_may_not_be_swapped() -> None:
    for one, two in product(range(1, 12), repeat=2):
        if one != two:
            assert keys(one, Purpose.ORDER, step=two) != keys(two, Purpose.ORDER, step=one)
            assert keys(0, Purpose.ORDER, step=one, part=two) != keys(0, Purpose.ORDER, step=two, part=one)


def test_keys_broadcast_their_seeds_steps_and_parts() -> None:
    together = keys(np.arange(3)[:, None], Purpose.DROPOUT, step=np.arange(4), part=2)
    assert together.shape == (3, 4)
    assert together.dtype == np.uint64
    for seed, step in product(range(3), range(4)):
        assert together[seed, step] == keys(seed, Purpose.DROPOUT, step=step, part=2)[0]


def test_a_stream_is_the_same_whichever_streams_are_drawn_beside_it() -> None:
    stream = keys(np.arange(9), Purpose.DROPOUT, step=11)
    for draw in (bits, lanes, uniform, normal, permutations):
        together = draw(stream, 101)
        for row in range(9):
            assert np.array_equal(draw(stream[[row]], 101)[0], together[row]), draw.__name__


@pytest.mark.parametrize("draw", [bits, lanes, uniform])
def test_a_shorter_draw_is_the_beginning_of_a_longer_one(draw: object) -> None:
    stream = keys([1, 2], Purpose.SPLIT)
    assert np.array_equal(draw(stream, 33), draw(stream, 100)[:, :33])  # type: ignore[operator]


def chi_square(counts: np.ndarray, expected: float) -> float:
    """In standard deviations from its mean."""
    degrees = counts.size - 1
    return float((((counts - expected) ** 2 / expected).sum() - degrees) / np.sqrt(2 * degrees))


def test_every_byte_of_the_integers_is_uniform() -> None:
    drawn = bits(keys(np.arange(50), Purpose.DROPOUT, step=np.arange(50)), COUNT)
    for byte in range(4):
        values = (drawn >> np.uint32(8 * byte)) & np.uint32(255)
        assert abs(chi_square(np.bincount(values.ravel(), minlength=256), drawn.size / 256)) < 5


def test_first_draws_of_consecutive_seeds_and_steps_are_uniform() -> None:
    for stream in (keys(np.arange(COUNT), Purpose.WEIGHTS), keys(1, Purpose.DROPOUT, step=np.arange(COUNT))):
        counts = np.histogram(uniform(stream, 1), bins=100, range=(0, 1))[0]
        assert abs(chi_square(counts, COUNT / 100)) < 5


def test_uniform_numbers_lie_inside_the_unit_interval_with_the_right_moments() -> None:
    drawn = uniform(keys([5], Purpose.WEIGHTS), COUNT)[0]
    assert 0 < drawn.min() < drawn.max() < 1
    assert drawn.mean() == pytest.approx(0.5, abs=5 / np.sqrt(12 * COUNT))
    assert drawn.var() == pytest.approx(1 / 12, rel=0.05)


@pytest.mark.parametrize("count", [1, 2, 7, COUNT])
def test_normal_numbers_come_in_any_count(count: int) -> None:
    drawn = normal(keys([5, 6], Purpose.WEIGHTS), count)
    assert drawn.shape == (2, count)
    assert np.isfinite(drawn).all()


def test_normal_numbers_are_normal() -> None:
    drawn = normal(keys([5], Purpose.WEIGHTS), 10 * COUNT)[0]
    assert drawn.mean() == pytest.approx(0, abs=5 / np.sqrt(10 * COUNT))
    assert drawn.std() == pytest.approx(1, abs=0.01)
    for bound, share in ((1, 0.682689), (2, 0.954500), (3, 0.997300)):
        assert (np.abs(drawn) < bound).mean() == pytest.approx(share, abs=0.005)


def test_streams_do_not_follow_one_another() -> None:
    """Neither between steps, nor parts, nor seeds: neither equal places nor places shifted by one."""
    for stream in (
        keys(1, Purpose.DROPOUT, step=np.arange(20)),
        keys(1, Purpose.DROPOUT, part=np.arange(20)),
        keys(np.arange(20), Purpose.DROPOUT),
    ):
        drawn = uniform(stream, COUNT) - 0.5
        here, there = drawn[:-1], drawn[1:]
        for one, two in ((here, there), (here[:, 1:], there[:, :-1]), (drawn[:, 1:], drawn[:, :-1])):
            correlation = 12 * (one * two).mean(axis=1)
            assert np.abs(correlation).max() < 5 / np.sqrt(COUNT)


def test_both_halves_of_an_integer_are_independent() -> None:
    drawn = lanes(keys([3], Purpose.DROPOUT), COUNT)[0] / 65536 - 0.5
    assert abs(12 * (drawn[::2] * drawn[1::2]).mean()) < 5 / np.sqrt(COUNT / 2)


@pytest.mark.parametrize("count", [1, 2, 10, 1000])
def test_permutations_hold_every_number_once(count: int) -> None:
    drawn = permutations(keys(np.arange(5), Purpose.ORDER), count)
    assert drawn.dtype == np.int64
    assert (np.sort(drawn, axis=1) == np.arange(count)).all()


def test_every_permutation_is_as_likely() -> None:
    drawn = permutations(keys(np.arange(24 * 500), Purpose.ORDER), 4)
    counts = np.unique(drawn @ np.array([1000, 100, 10, 1]), return_counts=True)[1]
    assert len(counts) == 24
    assert abs(chi_square(counts, 500)) < 5


GOLDEN_KEYS = [[693000410337121034], [8986207950676238608, 7356296158765950009]]
GOLDEN_BITS = [[[115973330, 2173657993, 3766987471, 2242635471]], [[258703419, 2214538715, 2447718143, 3231397600]]]
GOLDEN_LANES = [[40146, 1769, 25481, 33167, 43727]]
GOLDEN_PERMUTATION = [[5, 3, 4, 2, 0, 1, 6, 7]]
