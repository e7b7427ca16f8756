"""Quadratics as data: the loss has the curvatures that were asked for, and descent the rates that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.measure.cases import tiny, trained
from workbench.data import describe, digest, load
from workbench.engine.errors import BadInput


def test_the_covariance_of_the_inputs_is_the_spectrum(settings):
    found = load(settings("quadratic", spectrum="[9,4,1]"))
    np.testing.assert_allclose(np.cov(found.inputs.T, bias=True), np.diag([9, 4, 1]), atol=1e-5)
    assert found.facts == describe(settings("quadratic", spectrum="[9,4,1]"))
    weights = np.linalg.lstsq(found.inputs, found.targets, rcond=None)[0].ravel()
    np.testing.assert_allclose(weights * [3, 2, 1], np.ones(3) / np.sqrt(3), atol=0.05)


def test_the_digest_tells_spectra_apart(settings):
    marks = {digest(settings("quadratic", spectrum=text)) for text in ("[9,1]", "[9,2]", "[1,9]", "[9,1,1]")}
    assert len(marks) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"spectrum": "[3,0]"}, "data.spectrum"), ({"examples": 9}, "at least 10"), ({"noise": -1.0}, "data.noise")],
)
def test_misuse_is_refused(settings, changes, words):
    with pytest.raises(BadInput, match=words):
        describe(settings("quadratic", **changes))


@pytest.mark.parametrize(("rate", "smaller"), [(0.14, True), (0.3, False)])
def test_plain_descent_converges_up_to_two_over_the_largest_curvature(rate, smaller):
    # Targets are standardised, which changes the size of the loss and not its curvature; 2 / 10 is about the edge.
    config = tiny(
        data={"name": "quadratic", "spectrum": "[10,1]", "scaling": "none", "examples": 120, "noise": 0.0},
        network={"depth": 0}, training={"epochs": 40, "batch_size": 70}, optimizer={"learning_rate": rate},
    )  # fmt: skip
    weights = np.abs(trained(config).weights.last).max()
    assert (weights < 10) == smaller
