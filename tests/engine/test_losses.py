"""Every loss is its formula, at any logits, in the dtype it is given."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest

from workbench.engine.rules.losses import LOSSES, customary_loss, fits_task, softmax

from .cases import classes_of, targets_for

RUNS, BATCH = 2, 7
DTYPES = [np.float32, np.float64]


def drawn(loss: str, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets."""
    draw = np.random.default_rng(4)
    outputs = LOSSES[loss].units(classes_of(loss) or 2)
    return draw.normal(scale=2, size=(RUNS, BATCH, outputs)).astype(dtype), targets_for(
        loss, RUNS, BATCH, outputs, draw
    )


def probabilities(z: np.ndarray) -> list[float]:
    total = sum(exp(value) for value in z)
    return [exp(value) / total for value in z]


def naive_loss(loss: str, z: np.ndarray, target: Any) -> float:
    """One example, from the definition."""
    if loss == "cross_entropy":
        return -log(probabilities(z)[target])
    if loss == "binary_cross_entropy":
        y = 1 / (1 + exp(-z[0]))
        return -(target * log(y) + (1 - target) * log(1 - y))
    if loss == "squared_error":
        return float(sum((z - target) ** 2)) / 2
    if loss == "softmax_squared_error":
        y = np.array(probabilities(z))
        return float(((y - np.eye(len(z))[target]) ** 2).sum()) / 2
    raise AssertionError(f"{loss} has no formula here")


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_the_formula(loss: str) -> None:
    z, targets = drawn(loss)
    found = LOSSES[loss].judge(z, targets).losses
    for run in range(RUNS):
        for example in range(BATCH):
            expected = naive_loss(loss, z[run, example], targets[run, example])
            assert found[run, example] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_delta_is_the_difference_quotient_of_each_example(loss: str) -> None:
    z, targets = drawn(loss)
    delta, step = LOSSES[loss].judge(z, targets).delta, 1e-6
    assert delta.shape == z.shape
    for output in range(z.shape[-1]):
        shift = step * (np.arange(z.shape[-1]) == output)
        ahead, behind = (LOSSES[loss].judge(z + sign * shift, targets).losses for sign in (1, -1))
        np.testing.assert_allclose(delta[..., output], (ahead - behind) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("loss", [name for name, row in LOSSES.items() if row.task != "regression"])
def test_a_hit_is_the_most_likely_class_where_no_two_are_equal(loss: str) -> None:
    z, labels = drawn(loss)
    most_likely = z.argmax(axis=-1) if z.shape[-1] > 1 else (z[..., 0] > 0)
    assert np.array_equal(LOSSES[loss].judge(z, labels).correct, most_likely == labels)


def test_a_regression_has_no_hits() -> None:
    assert LOSSES["squared_error"].judge(*drawn("squared_error")).correct is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_sum_to_one(dtype: type) -> None:
    z = drawn("cross_entropy", dtype)[0]
    for scale in (1, 1e3, 1e30):
        y = softmax(z * dtype(scale))
        np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-6)
        assert ((y >= 0) & (y <= 1)).all()
        assert np.array_equal(y.argmax(axis=-1), z.argmax(axis=-1))


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_predicted_is_what_the_loss_is_of(loss: str) -> None:
    z, targets = drawn(loss)
    y = LOSSES[loss].predict(z)
    if loss == "cross_entropy":
        losses = -np.log(np.take_along_axis(y, targets[..., None], axis=-1))[..., 0]
    elif loss == "binary_cross_entropy":
        losses = -np.log(np.where(targets == 1, y[..., 0], 1 - y[..., 0]))
    else:
        target = targets if LOSSES[loss].task == "regression" else np.eye(3)[targets]
        losses = ((y - target) ** 2).sum(axis=-1) / 2
    np.testing.assert_allclose(LOSSES[loss].judge(z, targets).losses, losses, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_logits_of_ten_thousand_are_no_trouble(loss: str, dtype: type) -> None:
    outputs = LOSSES[loss].units(classes_of(loss) or 2)
    z = np.array([[[1e4] + [-1e4] * (outputs - 1)], [[-1e4] + [1e4] * (outputs - 1)]], dtype)
    targets = np.zeros((2, 1, outputs) if LOSSES[loss].task == "regression" else (2, 1), np.int64)
    with np.errstate(all="raise", under="ignore"):
        judged = LOSSES[loss].judge(z, targets)
        predicted = LOSSES[loss].predict(z)
    assert np.isfinite(judged.losses).all()
    assert np.isfinite(judged.delta).all()
    assert np.isfinite(predicted).all()
    if loss == "cross_entropy":
        np.testing.assert_allclose(judged.losses[:, 0], [0, 2e4 + log(2)], rtol=1e-6)
    if loss == "binary_cross_entropy":
        assert judged.losses[:, 0].tolist() == [1e4, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_silently_becomes_double(loss: str, dtype: type) -> None:
    z, targets = drawn(loss, dtype)
    judged = LOSSES[loss].judge(z, targets)
    assert judged.losses.dtype == dtype
    assert judged.delta.dtype == dtype
    assert LOSSES[loss].predict(z).dtype == dtype


@pytest.mark.parametrize("loss", LOSSES)
def test_judging_leaves_the_logits_as_they_are(loss: str) -> None:
    z, targets = drawn(loss)
    before = z.copy()
    LOSSES[loss].judge(z, targets)
    assert np.array_equal(z, before)


def test_two_classes_by_softmax_or_by_sigmoid_are_one_loss() -> None:
    z, labels = drawn("binary_cross_entropy")
    both = np.concatenate([np.zeros_like(z), z], axis=-1)
    one, two = LOSSES["binary_cross_entropy"].judge(z, labels), LOSSES["cross_entropy"].judge(both, labels)
    np.testing.assert_allclose(one.losses, two.losses, rtol=1e-12)
    np.testing.assert_allclose(one.delta[..., 0], two.delta[..., 1], rtol=1e-10)


@pytest.mark.parametrize(
    ("classes", "loss"),
    [(0, "squared_error"), (2, "binary_cross_entropy"), (3, "cross_entropy"), (10, "cross_entropy")],
)
def test_the_customary_loss_goes_by_the_number_of_classes(classes: int, loss: str) -> None:
    assert customary_loss(classes) == loss
    assert fits_task(loss, classes)


def test_losses_are_refused_where_they_do_not_fit() -> None:
    fitting = {classes: {name for name in LOSSES if fits_task(name, classes)} for classes in (0, 2, 3)}
    softmaxes = {"cross_entropy", "softmax_squared_error"}
    assert fitting == {0: {"squared_error"}, 2: softmaxes | {"binary_cross_entropy"}, 3: softmaxes}
