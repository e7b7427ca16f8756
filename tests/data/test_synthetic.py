"""The generated datasets: which points they hold, and what their digests tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data import digest, load
from workbench.data.synthetic import SYNTHETIC, blobs, spirals
from workbench.engine.errors import BadInput


@pytest.mark.parametrize("name", SYNTHETIC)
def test_the_same_settings_give_the_same_points(settings, name):
    first, second = load(settings(name)), load(settings(name))
    np.testing.assert_array_equal(first.inputs, second.inputs)
    assert first.digest == second.digest


@pytest.mark.parametrize("name", SYNTHETIC)
def test_the_digest_tells_parameters_apart(settings, name):
    digests = {digest(settings(name, examples=examples, noise=noise)) for examples in (100, 101) for noise in (0, 0.1)}
    assert len(digests) == 4


def test_a_whole_number_of_noise_is_the_same_data_as_its_float(settings):
    assert digest(settings("blobs", noise=1)) == digest(settings("blobs", noise=1.0))


@given(examples=st.integers(10, 300), name=st.sampled_from(sorted(SYNTHETIC)))
def test_classes_are_balanced(settings, examples, name):
    counts = np.bincount(load(settings(name, examples=examples)).targets)
    assert counts.max() - counts.min() <= 1


@given(examples=st.integers(10, 300))
def test_spirals_without_noise_lie_on_two_arms_one_apart(examples):
    inputs, labels = spirals(examples, 0.0)
    radius, angle = np.hypot(*inputs.T), np.arctan2(inputs[:, 1], inputs[:, 0])
    assert radius.max() <= 3.0 + 1e-6
    # Going once round moves an arm 2 outwards, and the other arm lies half way between.
    turns = (radius - angle / np.pi - labels) / 2
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-4)


def test_no_line_separates_the_spirals():
    inputs, labels = spirals(1000, 0.0)
    design = np.column_stack([inputs, np.ones(1000)])
    weights = np.linalg.lstsq(design, 2.0 * labels - 1, rcond=None)[0]
    assert np.mean((design @ weights > 0) == labels) < 0.7


def test_blobs_without_noise_are_the_corners_of_the_unit_square():
    inputs, labels = blobs(40, 0.0)
    corners = [inputs[labels == label][0] for label in range(4)]
    for label in range(4):
        assert (inputs[labels == label] == corners[label]).all()
        np.testing.assert_allclose(np.linalg.norm(corners[label] - corners[label - 1]), 1.0)


@pytest.mark.parametrize("generate", [spirals, blobs])
def test_noise_is_the_deviation_of_both_coordinates_and_they_do_not_correlate(generate):
    displacement = (generate(4000, 0.25)[0] - generate(4000, 0.0)[0]).astype(float)
    np.testing.assert_allclose(displacement.mean(axis=0), 0.0, atol=0.02)
    np.testing.assert_allclose(np.cov(displacement.T), 0.25**2 * np.eye(2), atol=0.005)


@pytest.mark.parametrize("name", SYNTHETIC)
@pytest.mark.parametrize(
    ("change", "key"),
    [({"examples": 9}, "data.examples"), ({"noise": -0.1}, "data.noise"), ({"noise": float("nan")}, "data.noise")],
)
def test_impossible_parameters_are_refused(settings, name, change, key):
    for question in (load, digest):
        with pytest.raises(BadInput, match=f"^{key}: found"):
            question(settings(name, **change))
