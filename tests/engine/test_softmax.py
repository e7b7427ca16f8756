"""Cross-entropy by lanes: every example is judged by itself, whatever stands beside it, and nothing else is written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba", reason="runs where Numba is installed")

from workbench.engine.kernels.compiled.losses import run_loss
from workbench.engine.kernels.compiled.tile import LANES

NO_VALUES = np.zeros(0, np.float32)
OUTPUTS = [1, 2, 3, LANES - 1, LANES, LANES + 1, 2 * LANES + 3, 100]


def judged(z: np.ndarray, labels: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Loss, hits and dl/dz of a batch (batch, outputs), between two margins that must stay as they are."""
    margin = np.full(3 * LANES, np.float32(7))
    whole = np.concatenate([margin, z.ravel(), margin])
    inside = whole[margin.size : margin.size + z.size].reshape(z.shape)
    loss, hits = run_loss("cross_entropy", inside, labels, NO_VALUES)
    assert (whole[: margin.size] == 7).all()
    assert (whole[margin.size + z.size :] == 7).all()
    return loss, hits, inside


@given(
    outputs=st.sampled_from(OUTPUTS),
    batch=st.integers(1, 3 * LANES + 1),
    scale=st.sampled_from([0.01, 1.0, 30.0, 1e30]),
    content=st.integers(0, 99),
)
def test_an_example_is_judged_alike_alone_and_among_others(
    outputs: int, batch: int, scale: float, content: int
) -> None:
    draw = np.random.default_rng(content)
    z = (draw.standard_normal((batch, outputs)) * scale).astype(np.float32)
    labels = draw.integers(0, outputs, batch)
    loss, hits, delta = judged(z, labels)
    alone = [judged(z[[i]], labels[[i]]) for i in range(batch)]
    np.testing.assert_array_equal(delta, np.concatenate([one[2] for one in alone]))
    assert hits == sum(one[1] for one in alone)
    assert loss == pytest.approx(sum(one[0] for one in alone), rel=1e-12)


@pytest.mark.parametrize("outputs", range(1, LANES + 2))
def test_nothing_is_written_behind_a_batch_of_any_size(outputs: int) -> None:
    """Rows may be written as whole vectors only where these stay within the batch, to the very last number."""
    draw = np.random.default_rng(outputs)
    for batch in range(1, 2 * LANES + 4):
        z, labels = draw.standard_normal((batch, outputs)).astype(np.float32), draw.integers(0, outputs, batch)
        delta = judged(z, labels)[2]
        share = np.exp(z - z.max(axis=1, keepdims=True))
        np.testing.assert_allclose(delta, share / share.sum(axis=1, keepdims=True) - np.eye(outputs)[labels], atol=3e-7)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_loss_and_gradient_are_the_formulas(outputs: int) -> None:
    draw = np.random.default_rng(outputs)
    z, labels = draw.standard_normal((37, outputs)).astype(np.float32), draw.integers(0, outputs, 37)
    loss, _, delta = judged(z, labels)
    shifted = z.astype(np.float64) - z.max(axis=1, keepdims=True)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    assert loss == pytest.approx((np.log(total[:, 0]) - shifted[np.arange(37), labels]).sum(), rel=1e-6)
    np.testing.assert_allclose(delta, np.exp(shifted) / total - np.eye(outputs)[labels], atol=3e-7)


def test_what_is_not_a_number_stays_in_its_example() -> None:
    z, labels = np.zeros((LANES + 3, 5), np.float32), np.zeros(LANES + 3, np.int64)
    z[:, 0] = 1
    z[1, 3], z[LANES, 0], z[2, 4] = np.nan, np.nan, np.inf
    loss, hits, delta = judged(z, labels)
    assert np.isnan(loss)
    assert hits == LANES  # all but the three
    assert np.flatnonzero(np.isnan(delta).any(axis=1)).tolist() == [1, 2, LANES]


def test_a_true_class_without_a_share_costs_infinitely_much_and_a_row_without_any_is_not_a_number() -> None:
    z, labels = np.zeros((2, 3), np.float32), np.zeros(2, np.int64)
    z[1, 0] = -np.inf
    assert judged(z, labels)[0] == np.inf
    z[1] = -np.inf
    loss, _, delta = judged(z, labels)
    assert np.isnan(loss)
    assert np.flatnonzero(np.isnan(delta).any(axis=1)).tolist() == [1]


def test_only_the_sole_largest_logit_is_a_hit() -> None:
    z = np.array([[2, 1, 1], [2, 2, 1], [1, 1, 2]], np.float32)
    assert judged(z, np.array([0, 0, 0]))[1] == 1
    assert judged(z, np.array([0, 1, 2]))[1] == 2
