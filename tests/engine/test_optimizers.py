"""Every optimizer follows its published algorithm step by step, through the flat buffers of a group of runs.

The references are written from the papers, one run at a time, on a toy objective with a gradient for each element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels import update
from workbench.engine.kernels.update import Update
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.schedules import SCHEDULES, timetable
from workbench.engine.training.pack import columns as known_columns

from .cases import small_layout

STEPS, PER_EPOCH, TOLERANCE = 200, 25, 1e-12
LAYOUT = small_layout("prelu")
RUNS = 3
SETTINGS: dict[str, list[Any]] = {
    "seed": [0, 1, 2],
    "learning_rate": [0.05, 0.02, 0.1],
    "schedule": ["constant", "inverse_sqrt", "exponential"],
    "schedule_time": [5.0, 7.0, 11.0],
    "schedule_factor": [1.0, 1.0, 0.99],
    "momentum": [0.9, 0.5, 0.95],
    "momentum_start": [0.9, 0.5, 0.5],
    "momentum_ramp_epochs": [0.0, 3.0, 4.0],
    "alpha": [0.9, 0.99, 0.5],
    "beta1": [0.9, 0.8, 0.95],
    "beta2": [0.999, 0.99, 0.9],
    "epsilon": [1e-8, 1e-4, 1e-7],
}
Numbers = dict[str, Any]
Gradient = Callable[[np.ndarray], np.ndarray]
_draw = np.random.default_rng(5)
START = _draw.normal(size=(RUNS, LAYOUT.size))
CURVATURE, CENTRE = _draw.uniform(0.5, 2, LAYOUT.size), _draw.normal(size=LAYOUT.size)


def toy_gradient(w: np.ndarray) -> np.ndarray:
    """Of a bowl with ripples."""
    return CURVATURE * (w - CENTRE) + 0.1 * np.sin(3 * w)


def columns(**changes: Any) -> dict[str, np.ndarray]:
    complete = {name: np.full(RUNS, default) for name, default in known_columns().items()}
    return complete | {name: np.asarray(values) for name, values in (SETTINGS | changes).items()}


def of_run(settings: dict[str, np.ndarray], run: int) -> Numbers:
    return {name: values[run].item() for name, values in settings.items()}


def engine_steps(
    optimizer: str, settings: dict[str, np.ndarray], gradient: Gradient, steps: int = STEPS, dtype: Any = np.float64
) -> Iterator[tuple[np.ndarray, list[np.ndarray], dict[str, np.ndarray]]]:
    """Weights, slots and the step's numbers after each update."""
    weights, gradients = START.astype(dtype), np.zeros(START.shape, dtype)
    slots = [np.zeros(START.shape, dtype) for _ in OPTIMIZERS[optimizer].slots]
    bound = Update(optimizer, LAYOUT, weights, gradients, slots, settings, np)
    table = timetable(settings, 0, steps, PER_EPOCH)
    for step in range(steps):
        gradients[...] = gradient(weights)
        varying = {name: values[step][:, None].astype(dtype) for name, values in table.items()}
        bound.step(varying)
        yield weights.copy(), [slot.copy() for slot in slots], varying


# --- the references -------------------------------------------------------------------------------------------------


def learning_rate(at: Numbers, step: int) -> float:
    rate: float = at["learning_rate"]
    if at["schedule"] == "inverse_sqrt":
        return rate / (step + 1) ** 0.5
    if at["schedule"] == "inverse_time":
        return rate * at["schedule_time"] / (at["schedule_time"] + step)
    if at["schedule"] == "by_epoch":
        return float(rate * at["schedule_factor"] ** (step // PER_EPOCH))
    return rate * at["schedule_factor"] ** step if at["schedule"] == "exponential" else rate


def momentum_at(at: Numbers, step: int) -> float:
    """Srivastava et al. 2014, appendix A.2: linear from its start to its final value over the ramp."""
    ramp = at["momentum_ramp_epochs"] * PER_EPOCH
    if step >= ramp:
        return float(at["momentum"])
    return float(step / ramp * at["momentum"] + (1 - step / ramp) * at["momentum_start"])


def reference_sgd(w: np.ndarray, at: Numbers) -> Iterator[np.ndarray]:
    for step in range(STEPS):
        w = w - learning_rate(at, step) * toy_gradient(w)
        yield w


def reference_momentum(w: np.ndarray, at: Numbers) -> Iterator[np.ndarray]:
    """The notes: the movement is the faded last movement less the step downhill."""
    movement = np.zeros_like(w)
    for step in range(STEPS):
        movement = momentum_at(at, step) * movement - learning_rate(at, step) * toy_gradient(w)
        w = w + movement
        yield w


def reference_nesterov(theta: np.ndarray, at: Numbers) -> Iterator[np.ndarray]:
    """Sutskever et al. 2013, equations 3 and 4: theta and v are kept, the gradient is taken at theta + mu v."""
    v = np.zeros_like(theta)
    for step in range(STEPS):
        mu = momentum_at(at, step)
        v = mu * v - learning_rate(at, step) * toy_gradient(theta + mu * v)
        theta = theta + v
        yield theta


def reference_adagrad(w: np.ndarray, at: Numbers) -> Iterator[np.ndarray]:
    """Duchi et al. 2011, diagonal form: all squared gradients are remembered."""
    squares = []
    for step in range(STEPS):
        g = toy_gradient(w)
        squares.append(g**2)
        w = w - learning_rate(at, step) * g / (np.sqrt(np.sum(squares, axis=0)) + at["epsilon"])
        yield w


def reference_rmsprop(w: np.ndarray, at: Numbers) -> Iterator[np.ndarray]:
    """The notes: sigma is the root of a fading mean of squared gradients, which starts at zero."""
    sigma = np.zeros_like(w)
    for step in range(STEPS):
        g = toy_gradient(w)
        sigma = np.sqrt(at["alpha"] * sigma**2 + (1 - at["alpha"]) * g**2)
        w = w - learning_rate(at, step) / (sigma + at["epsilon"]) * g
        yield w


def reference_adam(w: np.ndarray, at: Numbers) -> Iterator[np.ndarray]:
    """Kingma and Ba 2015, algorithm 1; the weight decay is AdamW's (Loshchilov and Hutter 2019, algorithm 2)."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, STEPS + 1):
        g, eta = toy_gradient(w), learning_rate(at, t - 1)
        m = at["beta1"] * m + (1 - at["beta1"]) * g
        v = at["beta2"] * v + (1 - at["beta2"]) * g**2
        m_hat, v_hat = m / (1 - at["beta1"] ** t), v / (1 - at["beta2"] ** t)
        decay = np.where(np.arange(len(w)) < LAYOUT.weights_end, at["weight_decay"], 0)  # never of biases
        w = w - eta * (m_hat / (np.sqrt(v_hat) + at["epsilon"]) + decay * w)
        yield w


REFERENCES = {
    "sgd": reference_sgd,
    "momentum": reference_momentum,
    "nesterov": reference_nesterov,
    "adagrad": reference_adagrad,
    "rmsprop": reference_rmsprop,
    "adam": reference_adam,
}


def followed(optimizer: str, settings: dict[str, np.ndarray]) -> np.ndarray:
    """What the engine's weights are after each step, (steps, runs, size), in the terms of the reference."""
    rows = []
    for weights, slots, varying in engine_steps(optimizer, settings, toy_gradient):
        # Nesterov's stored weights are the point ahead, theta + mu v.
        rows.append(weights - varying["next_momentum"] * slots[0] if optimizer == "nesterov" else weights)
    return np.stack(rows)


# --- the specifications ---------------------------------------------------------------------------------------------


def test_every_optimizer_has_a_reference() -> None:
    assert REFERENCES.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_follows_its_published_algorithm(optimizer: str) -> None:
    settings = columns()
    found = followed(optimizer, settings)
    for run in range(RUNS):
        expected = np.stack(list(REFERENCES[optimizer](START[run], of_run(settings, run))))
        np.testing.assert_allclose(found[:, run], expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("decay", [0.01, 0.3])
def test_adam_with_decoupled_decay_is_adamw(decay: float) -> None:
    settings = columns(weight_decay=[decay, 0.0, decay / 2])
    found = followed("adam", settings)
    for run in range(RUNS):
        expected = np.stack(list(reference_adam(START[run], of_run(settings, run))))
        np.testing.assert_allclose(found[:, run], expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_goes_downhill(optimizer: str) -> None:
    *_, last = followed(optimizer, columns(schedule=["constant"] * RUNS))
    assert (np.abs(toy_gradient(last)).mean(axis=1) < 0.7 * np.abs(toy_gradient(START)).mean(axis=1)).all()


@pytest.mark.parametrize("block", [1, 7, 32, 150, 10**6])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_size_of_the_blocks_changes_no_bit(optimizer: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = columns(l1=[0.01, 0.0, 0.0], l1_proximal=[0.0, 0.01, 0.0], decay=[0.0, 0.1, 0.1], l2=[0.1, 0.0, 0.0])
    *_, (expected, slots_expected, _) = engine_steps(optimizer, settings, toy_gradient, steps=20)
    monkeypatch.setattr(update, "BLOCK", block)
    *_, (found, slots_found, _) = engine_steps(optimizer, settings, toy_gradient, steps=20)
    assert np.array_equal(found, expected)
    assert np.array_equal(slots_found, slots_expected)


def test_blocks_cover_every_element_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for block in (1, 5, 64, 1000):
        monkeypatch.setattr(update, "BLOCK", block)
        touched = np.zeros((7, 90), int)
        for rows, part in update._rectangles(7, 10, 90):
            touched[rows, part] += 1
            assert touched[rows, part].size <= block
        assert (touched[:, 10:] == 1).all()
        assert (touched[:, :10] == 0).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_reads_what_its_row_says(optimizer: str) -> None:
    row = OPTIMIZERS[optimizer]
    at = {name: np.full((RUNS, 1), 0.5) for name in row.reads}
    w, *slots = row.update(START, toy_gradient(START), *(np.ones_like(START) for _ in row.slots), at=_only(at))
    assert w.shape == START.shape
    assert len(slots) == len(row.slots)
    for name in row.reads:
        with pytest.raises(AttributeError, match=name):
            row.update(START, START, *(np.ones_like(START) for _ in row.slots), at=_only(at, without=name))


def _only(at: Numbers, without: str = "") -> Any:
    return SimpleNamespace(**{name: value for name, value in at.items() if name != without})


# --- what changes with the step -------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_scales_the_learning_rate_of_each_update(schedule: str) -> None:
    settings = columns(schedule=[schedule] * RUNS, schedule_factor=[0.9, 0.99, 1.0])
    table = timetable(settings, 0, 40, PER_EPOCH)["learning_rate"]
    for run in range(RUNS):
        expected = [learning_rate(of_run(settings, run), step) for step in range(40)]
        np.testing.assert_allclose(table[:, run], expected, rtol=1e-13)


def test_the_first_update_has_the_full_learning_rate() -> None:
    for schedule in SCHEDULES:
        table = timetable(columns(schedule=[schedule] * RUNS), 0, 1, PER_EPOCH)
        assert np.array_equal(table["learning_rate"][0], SETTINGS["learning_rate"])


def test_a_momentum_ramp_rises_linearly_and_stays() -> None:
    settings = columns(momentum_ramp_epochs=[2.0, 0.5, 0.0], momentum_start=[0.5, 0.1, 0.3])
    table = timetable(settings, 0, 4 * PER_EPOCH, PER_EPOCH)
    for run in range(RUNS):
        expected = [momentum_at(of_run(settings, run), step) for step in range(4 * PER_EPOCH + 1)]
        np.testing.assert_allclose(table["momentum"][:, run], expected[:-1], rtol=1e-13)
        np.testing.assert_allclose(table["next_momentum"][:, run], expected[1:], rtol=1e-13)
    assert table["momentum"][0, 0] == pytest.approx(0.5)
    assert table["momentum"][2 * PER_EPOCH, 0] == settings["momentum"][0]
    assert (table["momentum"][:, 2] == settings["momentum"][2]).all()


def test_over_the_last_epochs_momentum_goes_to_its_end() -> None:
    settings = columns(
        momentum=[0.9] * RUNS, momentum_ramp_epochs=[2.0, 0.0, 0.0], momentum_start=[0.5] * RUNS, epochs=[4] * RUNS,
        momentum_end=[0.6, 0.95, 0.1], momentum_end_epochs=[1.0, 2.0, 0.0],
    )  # fmt: skip
    whole = 4 * PER_EPOCH
    table = timetable(settings, 0, whole, PER_EPOCH)
    untouched = timetable(columns(**{**settings, "momentum_end_epochs": np.zeros(RUNS)}), 0, whole, PER_EPOCH)
    for run, last in enumerate((PER_EPOCH, 2 * PER_EPOCH, 0)):
        before = whole - last
        assert np.array_equal(table["momentum"][: before + 1, run], untouched["momentum"][: before + 1, run])
        expected = np.linspace(0.9, settings["momentum_end"][run], last + 1) if last else []
        np.testing.assert_allclose(table["momentum"][before:, run], expected[:-1], rtol=1e-12)
        if last:
            assert table["next_momentum"][-1, run] == pytest.approx(settings["momentum_end"][run])


def test_a_timetable_cut_into_epochs_is_the_whole_one() -> None:
    whole = timetable(columns(), 0, 4 * PER_EPOCH, PER_EPOCH)
    parts = [timetable(columns(), first, PER_EPOCH, PER_EPOCH) for first in range(0, 4 * PER_EPOCH, PER_EPOCH)]
    for name, values in whole.items():
        assert np.array_equal(np.concatenate([part[name] for part in parts]), values), name


def test_a_timetable_of_one_run_is_its_column_in_the_timetable_of_many() -> None:
    draw = np.random.default_rng(0)
    many = 40
    settings = {name: np.full(many, default) for name, default in known_columns().items()}
    settings |= {
        "schedule": draw.choice(list(SCHEDULES), many),
        "schedule_factor": draw.uniform(0.5, 1, many),
        "beta1": draw.uniform(0, 1, many),
        "beta2": draw.uniform(0.9, 1, many),
        "momentum_ramp_epochs": draw.uniform(0, 5, many),
        "momentum_start": draw.uniform(0, 1, many),
        "momentum_end_epochs": draw.uniform(0, 2, many),
        "momentum_end": draw.uniform(0, 1, many),
        "epochs": draw.integers(1, 4, many),
    }
    together = timetable(settings, 0, 3 * PER_EPOCH, PER_EPOCH)
    for run in range(many):
        by_itself = timetable({name: values[[run]] for name, values in settings.items()}, 0, 3 * PER_EPOCH, PER_EPOCH)
        for name, values in together.items():
            assert np.array_equal(by_itself[name][:, 0], values[:, run]), name
