"""What each penalty does to the weights, seen through whole updates in which the data say nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.update import Update
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES
from workbench.engine.rules.schedules import timetable
from workbench.engine.training.pack import columns as known_columns

from .cases import STRENGTHS, small_layout

LAYOUT = small_layout("prelu")
RUNS, RATE, STRENGTH, STEPS = 3, 0.1, 0.2, 12
START = np.random.default_rng(2).normal(size=(RUNS, LAYOUT.size))
_draw = np.random.default_rng(3)
# Of many sizes: an optimizer that reads only the sign sees a penalty where it is larger than the gradient.
GRADIENT = _draw.normal(size=START.shape) * 10.0 ** _draw.uniform(-4, 0, START.shape)
WEIGHTS = slice(0, LAYOUT.weights_end)
OTHERS = slice(LAYOUT.weights_end, LAYOUT.size)


def after_updates(
    optimizer: str, gradient: np.ndarray | float = 0.0, steps: int = STEPS, start: np.ndarray = START, **given: Any
) -> np.ndarray:
    """All parameters after some updates with a fixed gradient."""
    columns = {name: np.full(RUNS, default) for name, default in known_columns().items()}
    columns |= {"learning_rate": np.full(RUNS, RATE)}
    columns |= {name: np.broadcast_to(np.asarray(value, float), (RUNS,)) for name, value in given.items()}
    weights, gradients = start.copy(), np.zeros_like(start)
    gradients[...] = gradient
    slots = [np.zeros_like(start) for _ in OPTIMIZERS[optimizer].slots]
    bound = Update(optimizer, LAYOUT, weights, gradients, slots, columns, np)
    table = timetable(columns, 0, steps, 5)
    for step in range(steps):
        bound.step({name: values[step][:, None] for name, values in table.items()})
    return weights


def test_l1_subtracts_the_same_from_every_weight() -> None:
    far = START + np.sign(START)  # so that no weight crosses zero
    expected = far - STEPS * RATE * STRENGTH * np.sign(far)
    np.testing.assert_allclose(after_updates("sgd", start=far, l1=STRENGTH)[:, WEIGHTS], expected[:, WEIGHTS])


def test_l1_by_its_subgradient_oscillates_about_zero_and_rarely_hits_it() -> None:
    left = after_updates("sgd", steps=300, l1=STRENGTH)[:, WEIGHTS]
    assert (np.abs(left) <= RATE * STRENGTH).all()
    assert (left != 0).mean() > 0.9


def test_l2_shrinks_every_weight_by_the_same_share() -> None:
    expected = START * (1 - RATE * STRENGTH) ** STEPS
    np.testing.assert_allclose(after_updates("sgd", l2=STRENGTH)[:, WEIGHTS], expected[:, WEIGHTS])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["decay", "weight_decay"])
def test_decay_shrinks_every_weight_by_the_same_share_whatever_the_optimizer(optimizer: str, name: str) -> None:
    expected = START * (1 - RATE * STRENGTH) ** STEPS
    np.testing.assert_allclose(after_updates(optimizer, **{name: STRENGTH})[:, WEIGHTS], expected[:, WEIGHTS])


def test_decay_and_weight_decay_add_up() -> None:
    both = after_updates("adam", decay=0.5 * STRENGTH, weight_decay=0.5 * STRENGTH)
    assert np.array_equal(both, after_updates("adam", decay=STRENGTH))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_proximal_step_stops_at_exactly_zero_whatever_the_optimizer(optimizer: str) -> None:
    distance = STEPS * RATE * STRENGTH
    expected = np.sign(START) * np.maximum(np.abs(START) - distance, 0)
    found = after_updates(optimizer, l1_proximal=STRENGTH)[:, WEIGHTS]
    np.testing.assert_allclose(found, expected[:, WEIGHTS], atol=1e-12)
    within = np.abs(START[:, WEIGHTS]) < distance - 1e-9
    assert 0.1 < within.mean() < 0.9
    assert np.array_equal(found == 0, within)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_proximal_threshold_is_learning_rate_times_strength_at_the_optimizers_point(optimizer: str) -> None:
    gradient = np.random.default_rng(3).normal(size=START.shape)
    free = after_updates(optimizer, gradient, steps=1)
    expected = np.sign(free) * np.maximum(np.abs(free) - RATE * STRENGTH, 0)
    found = after_updates(optimizer, gradient, steps=1, l1_proximal=STRENGTH)
    np.testing.assert_allclose(found[:, WEIGHTS], expected[:, WEIGHTS], atol=1e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_max_norm_bounds_the_incoming_weights_of_each_neuron(optimizer: str) -> None:
    bound = 1.5
    gradient = np.random.default_rng(3).normal(size=START.shape)
    free = LAYOUT.views(after_updates(optimizer, gradient, steps=1))
    bounded = LAYOUT.views(after_updates(optimizer, gradient, steps=1, max_norm=bound))
    crossings = []
    for before, after in zip(free, bounded, strict=True):
        norm = np.sqrt((before["weights"] ** 2).sum(axis=2))
        crossings += list((norm > bound).flat)
        assert np.array_equal(after["weights"][norm <= bound], before["weights"][norm <= bound])
        np.testing.assert_allclose(np.linalg.norm(after["weights"][norm > bound], axis=1), bound)
        direction = before["weights"] / norm[..., None]
        np.testing.assert_allclose(after["weights"], direction * np.minimum(norm, bound)[..., None])
    assert 0 < np.mean(crossings) < 1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_penalty_never_touches_biases_or_slopes(penalty: str, optimizer: str) -> None:
    free = after_updates(optimizer, GRADIENT)
    penalised = after_updates(optimizer, GRADIENT, **{penalty: STRENGTHS[penalty]})
    assert np.array_equal(penalised[:, OTHERS], free[:, OTHERS])
    assert not np.array_equal(penalised[:, WEIGHTS], free[:, WEIGHTS])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("penalty", [*PENALTIES, "weight_decay"])
def test_strength_zero_changes_no_bit_beside_a_run_that_is_penalised(penalty: str, optimizer: str) -> None:
    strength = STRENGTHS.get(penalty, 0.1)
    free = after_updates(optimizer, GRADIENT)
    beside = after_updates(optimizer, GRADIENT, **{penalty: [0.0, strength, 0.0]})
    assert np.array_equal(beside[[0, 2]], free[[0, 2]])
    assert not np.array_equal(beside[1], free[1])


def test_penalties_of_several_kinds_act_together_in_one_update() -> None:
    gradient = np.random.default_rng(3).normal(size=START.shape)
    found = after_updates("sgd", gradient, steps=1, l1=0.1, l2=0.2, decay=0.3, l1_proximal=0.4)[:, WEIGHTS]
    w, g = START[:, WEIGHTS], gradient[:, WEIGHTS]
    stepped = w * (1 - RATE * 0.3) - RATE * (g + 0.1 * np.sign(w) + 0.2 * w)
    expected = np.sign(stepped) * np.maximum(np.abs(stepped) - RATE * 0.4, 0)
    np.testing.assert_allclose(found, expected, atol=1e-14)
