"""Optimizers on given gradients, against closed forms and a reference written step by step.

They run through the engine's own update, with penalties and bias corrections, on the flat buffer of a small network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.config import RunConfig
from workbench.engine.kernels.update import Update
from workbench.engine.rules.schedules import timetable
from workbench.engine.training.architecture import Architecture
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import COLUMNS
from workbench.measure.measurement import Measurement, tidy
from workbench.measure.subject import largest_error
from workbench.sweep.instruments import Measured

LAYOUT = Layout(Architecture(inputs=8, outputs=4, depth=0, width=1, activation="identity"))
COMPARED_STEPS = 200
SWITCH = 100  # the step at which the scale of the gradient changes
SCALES = (1.0, 10.0)


def columns_of(config: RunConfig, **changes: float) -> dict[str, np.ndarray]:
    """The columns of a pack of one run with the configuration's optimizer, and no penalty but those in `changes`."""
    own = config.optimizer
    given: dict[str, object] = {name: getattr(own, name) for name in ("learning_rate", "momentum", "alpha")}
    given |= {"beta1": own.beta1, "beta2": own.beta2, "epsilon": own.epsilon, "momentum_start": own.momentum}
    return {name: np.array([value]) for name, value in (COLUMNS | given | changes).items()}


def run_through(
    optimizer: str,
    columns: dict[str, np.ndarray],
    gradients: Callable[[int, np.ndarray], np.ndarray],
    start: np.ndarray,
    steps: int,
    slots: Sequence[float] = (),
    corrected: bool = True,
) -> np.ndarray:
    """The path of the parameters, (steps + 1, size), from `start` (size,), with the gradients that
    `gradients(step, parameters)` returns.

    `slots` are the initial values of the optimizer's slots; the others start at zero. Without `corrected` Adam does
    not correct its averages for their start.
    """
    from workbench.engine.rules.optimizers import OPTIMIZERS

    weights, gradient = start[None].copy(), np.zeros((1, len(start)))
    names = OPTIMIZERS[optimizer].slots
    memories = [np.full((1, len(start)), value) for value in [*slots, *[0.0] * (len(names) - len(slots))]]
    update = Update(optimizer, LAYOUT, weights, gradient, memories, columns, np)
    table = timetable(columns, 0, steps, steps)
    if not corrected:
        table |= {name: np.ones_like(table[name]) for name in ("bias1", "bias2")}
    path = [weights[0].copy()]
    for step in range(steps):
        gradient[0] = gradients(step, weights[0])
        update.step({name: values[step][:, None] for name, values in table.items()})
        path.append(weights[0].copy())
    return np.array(path)


def _switched(step: int, parameters: np.ndarray) -> np.ndarray:
    """A constant gradient whose scale changes once, as if a slope suddenly steepened."""
    return np.full_like(parameters, SCALES[step >= SWITCH])


def _effective_steps(config: RunConfig, optimizer: str) -> np.ndarray:
    """The effective learning rate: the update divided by the gradient, (steps,), under `_switched`."""
    path = run_through(optimizer, columns_of(config), _switched, np.zeros(LAYOUT.size), COMPARED_STEPS)
    scale = np.where(np.arange(COMPARED_STEPS) < SWITCH, *SCALES)
    return -np.diff(path[:, 0]) / scale


def _memory(config: RunConfig) -> Measured:
    """Adagrad and RMSProp against the closed forms of the sum and of the fading mean of squares."""
    own, step = config.optimizer, np.arange(1, COMPARED_STEPS + 1)
    before, after = np.minimum(step, SWITCH), np.maximum(step - SWITCH, 0)
    total = SCALES[0] ** 2 * before + SCALES[1] ** 2 * after
    fading = own.alpha**after * SCALES[0] ** 2 * (1 - own.alpha**before) + SCALES[1] ** 2 * (1 - own.alpha**after)
    metrics, rows = {}, []
    for optimizer, square in (("adagrad", total), ("rmsprop", fading)):
        found = _effective_steps(config, optimizer)
        metrics[f"{optimizer}_memory_error"] = largest_error(found, own.learning_rate / (np.sqrt(square) + own.epsilon))
        rows += [(optimizer, int(number), float(size)) for number, size in zip(step, found, strict=True)]
        late = np.abs(found[SWITCH:] / (own.learning_rate / SCALES[1]) - 1) < 0.1
        # The steps after the switch until the step is within 10 % of what the new scale alone would give.
        metrics[f"{optimizer}_steps_to_forget"] = float(np.argmax(late)) + 1 if late.any() else float(COMPARED_STEPS)
    return Measured(metrics, {"optimizer_memory": tidy(("optimizer", "step", "effective_step"), rows)})


def _drawn(config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """Gradients (steps, size) and a start (size,), drawn by the seed."""
    rng = np.random.default_rng(config.seed)
    return rng.standard_normal((COMPARED_STEPS, LAYOUT.size)), rng.standard_normal(LAYOUT.size)


def _momentum_unrolled(config: RunConfig) -> Measured:
    """The movement of every step against minus eta times the sum of lambda^k g over all gradients so far."""
    gradients, start = _drawn(config)
    own = config.optimizer
    path = run_through("momentum", columns_of(config), lambda step, _: gradients[step], start, COMPARED_STEPS)
    movements = np.empty_like(gradients)
    for step in range(COMPARED_STEPS):
        weights = own.momentum ** np.arange(step, -1, -1.0)
        movements[step] = -own.learning_rate * (weights @ gradients[: step + 1])
    return Measured(
        {"momentum_unrolled_error": largest_error(path - start, np.vstack([0 * start, movements.cumsum(0)]))}
    )


def adam_by_the_book(
    gradients: np.ndarray, start: float, rate: float, beta1: float, beta2: float, epsilon: float
) -> list[float]:
    """Algorithm 1 of Kingma and Ba for one parameter, line by line in Python's own floats."""
    theta, m, v, path = start, 0.0, 0.0, [start]
    for t, g in enumerate(gradients.tolist(), start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        theta = theta - rate * m_hat / (v_hat**0.5 + epsilon)
        path.append(theta)
    return path


def _adam(config: RunConfig) -> Measured:
    """Adam against the published algorithm, and its two limits against RMSProp and momentum."""
    gradients, start = _drawn(config)
    own = config.optimizer

    def path(optimizer: str, corrected: bool = True, slots: Sequence[float] = (), **changes: float) -> np.ndarray:
        columns = columns_of(config, **changes)
        return run_through(optimizer, columns, lambda step, _: gradients[step], start, COMPARED_STEPS, slots, corrected)

    settings = own.learning_rate, own.beta1, own.beta2, own.epsilon
    used = slice(0, LAYOUT.weights_end)
    book = np.array([adam_by_the_book(gradients[:, i], start[i], *settings) for i in range(LAYOUT.weights_end)]).T
    without_momentum = path("adam", corrected=False, beta1=0.0)
    rmsprop = path("rmsprop", alpha=own.beta2)
    # If the mean of squares stays at 1, Adam is a fading mean of gradients: momentum at (1 - beta1) of the rate.
    without_squares = path("adam", corrected=False, slots=(0.0, 1.0), beta2=1.0)
    rate = own.learning_rate * (1 - own.beta1) / (1 + own.epsilon)
    momentum = path("momentum", momentum=own.beta1, momentum_start=own.beta1, learning_rate=rate)
    return Measured(
        {
            "adam_error": largest_error(path("adam")[:, used] - start[used], book - start[used]),
            "adam_without_momentum_error": largest_error(without_momentum - start, rmsprop - start),
            "adam_without_squares_error": largest_error(without_squares - start, momentum - start),
            "adam_without_correction_difference": largest_error(
                path("adam", corrected=False) - start, path("adam") - start
            ),
        }
    )


OPTIMIZER_RULES = {
    "optimizer_memory": Measurement(
        "Adagrad's and RMSProp's effective step when the gradient's scale changes, against its closed form",
        ("optimizer.learning_rate", "optimizer.alpha", "optimizer.epsilon"),
        ("adagrad_memory_error", "rmsprop_memory_error", "adagrad_steps_to_forget", "rmsprop_steps_to_forget"),
        _memory,
    ),
    "momentum_unrolled": Measurement(
        "momentum's path against the unrolled sum of lambda^k g over drawn gradients: largest relative difference",
        ("optimizer.learning_rate", "optimizer.momentum", "seed"),
        ("momentum_unrolled_error",),
        _momentum_unrolled,
    ),
    "adam_algorithm": Measurement(
        "Adam's path against its algorithm line by line; without its momentum RMSProp's, without squares momentum's",
        ("optimizer.learning_rate", "optimizer.beta1", "optimizer.beta2", "optimizer.epsilon", "seed"),
        (
            "adam_error", "adam_without_momentum_error", "adam_without_squares_error",
            "adam_without_correction_difference",
        ),
        _adam,
    ),
}  # fmt: skip
