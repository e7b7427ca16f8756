"""The data of a pack: every run has what it would have alone."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.label_noise import noisy_labels
from workbench.data.run_data import prepare
from workbench.data.scaling import SCALINGS
from workbench.engine.errors import BadInput

RUNS = st.lists(
    st.tuples(st.integers(0, 3) | st.integers(0, 2**62), st.floats(0, 0.9), st.sampled_from(sorted(SCALINGS))),
    min_size=1,
    max_size=6,
)
SHAPES = st.fixed_dictionaries(
    {"test_size": st.sampled_from([None, 9]), "dtype": st.sampled_from([np.uint8, np.float32])}
)


def prepared(dataset, runs, train_size=None, validation=0.2, test=0.25):
    seeds, noise, scaling = zip(*runs, strict=True)
    if not dataset.classes:
        noise = [0.0] * len(runs)
    return prepare(dataset, seeds, noise, scaling, train_size, validation, test)


def arrays(data):
    """Everything of a RunData that has an entry a run, and an order, by name."""
    parts = {
        f"{name}.{field}": getattr(getattr(data, name), field)
        for name in ("train", "validation", "test")
        for field in ("index", "targets")
    }
    return parts | {"scale": data.scale, "shift": data.shift, "seeds": data.seeds, "order": data.order(3)}


def assert_same(first, second):
    assert first.inputs is second.inputs
    assert (first.classes, first.outputs) == (second.classes, second.outputs)
    for name, values in arrays(first).items():
        np.testing.assert_array_equal(values, arrays(second)[name], err_msg=name)


@given(runs=RUNS, shape=SHAPES, classes=st.sampled_from([0, 2, 4]))
def test_packed_is_alone_bit_for_bit(toy, runs, shape, classes):
    dataset = toy(classes=classes, **shape)
    together = prepared(dataset, runs)
    for run, own in enumerate(runs):
        assert_same(together.take(np.array([run])), prepared(dataset, [own]))


@pytest.mark.parametrize("test_size", [None, 9])
def test_noise_of_test_labels_strikes_them_alone_at_its_own_rate(toy, test_size):
    dataset = toy(classes=4, test_size=test_size)
    seeds, none, scaling = list(range(200)), [0.0] * 200, ["none"] * 200
    clean = prepare(dataset, seeds, none, scaling, None, 0.2, 0.25)
    noisy = prepare(dataset, seeds, none, scaling, None, 0.2, 0.25, [0.0] * 100 + [0.5] * 100)
    assert_same(clean.take(np.arange(100)), noisy.take(np.arange(100)))
    for split in ("train", "validation"):
        np.testing.assert_array_equal(getattr(clean, split).targets, getattr(noisy, split).targets)
    struck = (clean.test.targets != noisy.test.targets)[100:]
    assert struck.mean() == pytest.approx(0.5, abs=0.05)
    # As training labels the same examples would be struck independently: in a third of the cases both come out alike.
    otherwise = noisy_labels(dataset.targets, np.arange(100, 200), np.full(100, 0.5), 4)
    alike = np.take_along_axis(otherwise, noisy.test.index[100:], axis=1) == noisy.test.targets[100:]
    assert alike.mean() == pytest.approx(1 / 3, abs=0.05)
    with pytest.raises(BadInput, match=r"data.test_noise: found \[1.\]; allowed is a share from 0 to below 1"):
        prepare(dataset, [0], [0.0], ["none"], None, 0.2, 0.25, [1.0])


@given(runs=RUNS, data=st.data())
def test_taking_some_runs_is_preparing_them(toy, runs, data):
    dataset = toy()
    chosen = data.draw(st.lists(st.integers(0, len(runs) - 1), min_size=1))
    assert_same(prepared(dataset, runs).take(np.array(chosen)), prepared(dataset, [runs[run] for run in chosen]))


@given(runs=RUNS, shape=SHAPES)
def test_noise_strikes_training_and_validation_labels_and_never_test_labels(toy, runs, shape):
    dataset = toy(**shape)
    almost_always = [(seed, np.nextafter(1, 0), scaling) for seed, _, scaling in runs]
    data = prepared(dataset, almost_always)
    assert (data.train.targets != dataset.targets[data.train.index]).all()
    assert (data.validation.targets != dataset.targets[data.validation.index]).all()
    np.testing.assert_array_equal(data.test.targets, dataset.targets[data.test.index])


@given(runs=RUNS, shape=SHAPES)
def test_runs_without_noise_have_clean_labels_beside_noisy_ones(toy, runs, shape):
    dataset = toy(**shape)
    data = prepared(dataset, [(5, 0.0, "none"), *runs, (6, 0.0, "none")])
    for part in (data.train, data.validation):
        np.testing.assert_array_equal(part.targets[[0, -1]], dataset.targets[part.index[[0, -1]]])


@given(runs=RUNS, shape=SHAPES, train_size=st.integers(1, 20))
def test_a_smaller_training_set_is_the_beginning_of_a_larger_one_labels_included(toy, runs, shape, train_size):
    dataset = toy(**shape)
    large, small = prepared(dataset, runs), prepared(dataset, runs, train_size)
    np.testing.assert_array_equal(small.train.index, large.train.index[:, :train_size])
    np.testing.assert_array_equal(small.train.targets, large.train.targets[:, :train_size])
    np.testing.assert_array_equal(small.validation.targets, large.validation.targets)
    np.testing.assert_array_equal(small.test.index, large.test.index)


@given(runs=RUNS, shape=SHAPES)
def test_a_run_standardises_by_its_own_training_split(toy, runs, shape):
    data = prepared(toy(**shape), [(seed, noise, "standard") for seed, noise, _ in runs])
    scaled = data.inputs[data.train.index] * data.scale + data.shift
    np.testing.assert_allclose(scaled.mean(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(scaled.std(axis=1), 1, atol=1e-10)


@given(runs=RUNS, test_size=st.sampled_from([None, 9]))
def test_regression_targets_are_standardised_by_the_training_split_and_otherwise_kept(toy, runs, test_size):
    dataset = toy(classes=0, test_size=test_size)
    data = prepared(dataset, runs)
    assert (data.classes, data.outputs) == (0, 2)
    np.testing.assert_allclose(data.train.targets.mean(axis=1), 0, atol=1e-10)
    np.testing.assert_allclose(data.train.targets.std(axis=1), 1, atol=1e-10)
    original = dataset.targets[data.train.index]
    mean, deviation = original.mean(axis=1, keepdims=True), original.std(axis=1, keepdims=True)
    for part in (data.validation, data.test):
        np.testing.assert_allclose(part.targets * deviation + mean, dataset.targets[part.index])


def test_shapes_and_types_are_those_of_the_contract(toy):
    dataset = toy(examples=50, features=5, classes=4)
    data = prepared(dataset, [(seed, 0.1, "unit") for seed in (7, 7, 8)])
    assert data.inputs is dataset.inputs
    for part, size in ((data.train, 28), (data.validation, 10), (data.test, 12)):
        assert part.index.shape == part.targets.shape == (3, size)
        assert part.index.dtype == part.targets.dtype == np.int64
    assert data.scale.shape == data.shift.shape == (3, 1, 5)
    assert data.scale.dtype == data.shift.dtype == np.float64
    assert data.seeds.dtype == np.int64
    assert data.order(0).shape == (3, 28)
    assert (data.classes, data.outputs) == (4, 4)


def test_neither_preparing_nor_noise_changes_the_dataset(toy):
    dataset, untouched = toy(), toy()
    prepared(dataset, [(seed, 0.8, "standard") for seed in range(9)])
    np.testing.assert_array_equal(dataset.targets, untouched.targets)
    np.testing.assert_array_equal(dataset.inputs, untouched.inputs)


def test_it_survives_pickling(toy):
    data = prepared(toy(), [(1, 0.2, "standard"), (2, 0.0, "none")])
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again.inputs, data.inputs)
    for name, values in arrays(data).items():
        np.testing.assert_array_equal(values, arrays(again)[name], err_msg=name)


REFUSED = {
    "an unknown scaling": (
        {"scaling": ["whitened"]},
        "^data.scaling: found whitened; allowed are none, unit, standard",
    ),
    "a negative rate": ({"label_noise": [-0.1]}, r"^data.label_noise: found \[-0.1\]"),
    "a rate of 1": ({"label_noise": [1.0]}, r"^data.label_noise: found \[1.\]"),
    "no rate": ({"label_noise": [float("nan")]}, "^data.label_noise: found .nan"),
    "a negative seed": ({"seeds": [-1]}, "^seed: found -1"),
    "too many seeds": ({"seeds": [1, 2]}, r"^seeds, label_noise, scaling: found \(2,\), \(1,\) and 1 entries"),
    "no runs": ({"seeds": [], "label_noise": [], "scaling": []}, "^seeds, label_noise, scaling: found"),
    "too large a training set": ({"train_size": 60}, "^data.train_size: found 60"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_misuse_is_refused_with_the_key(toy, kind):
    change, expected = REFUSED[kind]
    given = {"seeds": [1], "label_noise": [0.0], "scaling": ["none"], "train_size": None}
    with pytest.raises(BadInput, match=expected):
        prepare(toy(), **given | change, validation=0.2, test=0.2)


def test_a_regression_has_no_labels_to_strike(toy):
    with pytest.raises(BadInput, match=r"^data.label_noise: found 0.2 with data.name=toy, a regression"):
        prepare(toy(classes=0), [1, 2], [0.0, 0.2], ["none", "none"], None, 0.2, 0.2)
