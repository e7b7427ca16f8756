"""Initial weights: as far from zero as their rule says, and a function of seed and layer alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from workbench.engine.layers.base import Tensor
from workbench.engine.layers.maxout import Maxout
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.initializers import INITIALIZERS, READ_BY_SPARSE, initial_weights
from workbench.engine.training.loop import train

from .cases import data_for, pack_of, parameters_of

SHAPE = Tensor("weights", (80, 120), fans=(120, 80))
SCALE = 0.03
# Half-width of a uniform, deviation of a normal distribution, by the papers' formulas.
UNIFORM = {
    "fan_in": 1 / sqrt(120),
    "glorot": sqrt(6) / sqrt(120 + 80),
    "glorot_sigmoid": 4 * sqrt(6) / sqrt(120 + 80),
    "uniform": SCALE,
}
OTHERS = {"truncated", "sparse", "zero"}
NORMAL = {"he": sqrt(2 / 120), "lecun": sqrt(1 / 120), "normal": SCALE}


def test_every_initializer_has_an_expectation() -> None:
    assert UNIFORM.keys() | NORMAL.keys() | OTHERS == INITIALIZERS.keys()


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_weights_fill_their_interval(name: str) -> None:
    drawn, bound = initial_weights(name, 3, 1, SHAPE, SCALE), UNIFORM[name]
    assert np.abs(drawn).max() < bound
    assert np.abs(drawn).max() > 0.999 * bound
    assert drawn.std() == pytest.approx(bound / sqrt(3), rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.03 * bound)


@pytest.mark.parametrize("name", NORMAL)
def test_normal_weights_have_their_deviation(name: str) -> None:
    drawn, deviation = initial_weights(name, 3, 1, SHAPE, SCALE), NORMAL[name]
    assert drawn.std() == pytest.approx(deviation, rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.05 * deviation)
    assert (np.abs(drawn) > 2 * deviation).mean() == pytest.approx(0.0455, abs=0.01)


def test_truncated_weights_are_normal_ones_within_two_deviations() -> None:
    drawn = initial_weights("truncated", 3, 1, SHAPE, SCALE)
    assert 1.99 * SCALE < np.abs(drawn).max() < 2 * SCALE
    assert drawn.std() == pytest.approx(stats.truncnorm.std(-2, 2) * SCALE, rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.05 * SCALE)


def test_sparse_weights_are_fifteen_normal_ones_a_unit() -> None:
    drawn = initial_weights("sparse", 3, 1, SHAPE, SCALE)
    assert set((drawn != 0).sum(axis=1)) == {READ_BY_SPARSE}
    assert drawn[drawn != 0].std() == pytest.approx(SCALE, rel=0.05)
    assert (drawn != 0).any(axis=0).all()  # every input is read by some unit
    narrow = initial_weights("sparse", 3, 1, Tensor("weights", (4, 8), fans=(8, 4)), SCALE)
    assert (narrow != 0).all()


def test_zero_is_zero() -> None:
    assert not initial_weights("zero", 3, 1, SHAPE, SCALE).any()


@pytest.mark.parametrize("name", sorted(INITIALIZERS.keys() - {"zero"}))
def test_weights_differ_between_seeds_and_layers_and_are_the_same_otherwise(name: str) -> None:
    drawn = {(seed, layer): initial_weights(name, seed, layer, SHAPE, SCALE) for seed in (0, 1) for layer in (0, 1)}
    assert np.array_equal(drawn[1, 1], initial_weights(name, 1, 1, SHAPE, SCALE))
    places = list(drawn)
    for number, one in enumerate(places):
        for two in places[number + 1 :]:
            assert (drawn[one] != drawn[two]).mean() > (0.2 if name == "sparse" else 0.99)


def test_a_maxout_layer_counts_its_units_not_its_pieces() -> None:
    weights, _ = Maxout((100,), units=50, pieces=3).tensors
    drawn = initial_weights("glorot", 0, 0, weights, SCALE)
    assert drawn.shape == (150, 100)
    assert 0.999 * sqrt(6 / 150) < np.abs(drawn).max() < sqrt(6 / 150)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_names_its_customary_initializer(activation: str) -> None:
    assert ACTIVATIONS[activation].init in INITIALIZERS


def test_a_run_starts_from_its_own_draws_with_biases_at_zero() -> None:
    names = list(INITIALIZERS)
    pack = pack_of(len(names), init=names, activation="prelu", slope=0.25, seed=np.arange(len(names)) + 5)
    data = data_for(pack)
    weights = next(iter(train(pack, data))).state()["weights"]
    for run, name in enumerate(names):
        layers = parameters_of(pack, data, weights, run)
        for number, layer in enumerate(layers):
            tensor = pack.architecture(5, 3).layers[number].tensors[0]
            assert np.array_equal(layer["weights"], initial_weights(name, run + 5, number, tensor, 0.01))
            assert not layer["biases"].any()
        assert all((layer["slopes"] == 0.25).all() for layer in layers[:-1])


def test_starts_of_both_dtypes_are_one_draw() -> None:
    single, double = (pack_of(2, dtype=dtype) for dtype in ("float32", "float64"))
    data = data_for(double)
    starts = [next(iter(train(pack, data))).state()["weights"] for pack in (single, double)]
    assert starts[0].dtype == np.float32
    assert np.array_equal(starts[0], starts[1].astype(np.float32))
