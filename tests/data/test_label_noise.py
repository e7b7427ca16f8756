"""Label noise: always another class, at the asked rate, nested, and a function of the run's seed alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.label_noise import noisy_labels

SEEDS = st.lists(st.integers(0, 2**62), min_size=1, max_size=4)
RATES = st.floats(0, 0.99)


def labels(classes: int, examples: int = 80) -> np.ndarray:
    return np.random.default_rng(examples).integers(0, classes, examples)


def one_rate(seeds, rate):
    return np.full(len(seeds), rate)


@given(seeds=SEEDS, classes=st.integers(2, 10))
def test_no_rate_changes_nothing(seeds, classes):
    clean = labels(classes)
    np.testing.assert_array_equal(
        noisy_labels(clean, np.array(seeds), one_rate(seeds, 0), classes), [clean] * len(seeds)
    )


@given(classes=st.integers(2, 10))
def test_a_struck_label_is_always_another_valid_class(classes):
    # The next float below 1 strikes every label that can be struck.
    clean = labels(classes)
    noisy = noisy_labels(clean, np.arange(4), np.full(4, np.nextafter(1, 0)), classes)
    assert (noisy != clean).all()
    assert noisy.min() >= 0
    assert noisy.max() < classes


@given(seeds=SEEDS, classes=st.integers(2, 10), rates=st.tuples(RATES, RATES))
def test_a_higher_rate_contains_the_wrong_labels_of_a_lower_one(seeds, classes, rates):
    clean, seeds = labels(classes), np.array(seeds)
    low, high = (noisy_labels(clean, seeds, one_rate(seeds, rate), classes) for rate in sorted(rates))
    struck = low != clean
    np.testing.assert_array_equal(low[struck], high[struck])


@given(seeds=SEEDS, classes=st.integers(2, 10), data=st.data())
def test_the_noise_of_a_run_depends_on_its_own_seed_and_rate_alone(seeds, classes, data):
    clean = labels(classes)
    rates = data.draw(st.lists(RATES, min_size=len(seeds), max_size=len(seeds)))
    together = noisy_labels(clean, np.array(seeds), np.array(rates), classes)
    for run, (seed, rate) in enumerate(zip(seeds, rates, strict=True)):
        alone = noisy_labels(clean, np.array([seed]), np.array([rate]), classes)
        np.testing.assert_array_equal(together[run], alone[0])


@given(seeds=SEEDS, rate=RATES, examples=st.integers(1, 80))
def test_the_noise_of_an_example_does_not_depend_on_how_many_there_are(seeds, rate, examples):
    clean, seeds = labels(5), np.array(seeds)
    whole = noisy_labels(clean, seeds, one_rate(seeds, rate), 5)
    part = noisy_labels(clean[:examples], seeds, one_rate(seeds, rate), 5)
    np.testing.assert_array_equal(part, whole[:, :examples])


def test_the_rate_is_met_and_the_wrong_classes_are_equally_frequent():
    clean = np.full(20000, 2)
    noisy = noisy_labels(clean, np.arange(5), np.full(5, 0.3), 4)
    # 100,000 draws: a share's standard error is below 0.0015.
    shares = np.bincount(noisy.ravel(), minlength=4) / noisy.size
    np.testing.assert_allclose(shares, [0.1, 0.1, 0.7, 0.1], atol=0.006)


def test_seeds_strike_different_labels():
    clean = labels(4, 400)
    noisy = noisy_labels(clean, np.arange(20), np.full(20, 0.3), 4)
    assert len({row.tobytes() for row in noisy}) == 20
