"""Momentum on toy losses: how soon it leaves a saddle point, and whether it escapes a local minimum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workbench.config import RunConfig
from workbench.engine.rules.at import At
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.measure.measurement import Measurement, tidy
from workbench.sweep.instruments import Measured

CURVATURE = 1.0  # of the saddle: negative along one direction, positive along the other
MOST_STEPS = 200_000
TILTS = (0.05, 0.1, 0.2, 0.4)
DRAWN_TILT, DRAWN_POINTS = 0.2, 160  # of which the paths of three balls are kept, for a figure
LAMBDAS = 1 - np.geomspace(1.0, 1e-3, 31)  # from 0 to 0.999, denser towards 1


def steps_until(
    left: Callable[[np.ndarray], np.ndarray],
    gradient: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    rate: np.ndarray,
    momentum: np.ndarray,
    most: int,
) -> np.ndarray:
    """How many steps the engine's momentum takes from `start` (runs, dimensions) until `left(position)` (runs,) is
    true; infinite if more than `most`. `rate` and `momentum` (runs, 1) are each run's learning rate and lambda.
    """
    update, at = OPTIMIZERS["momentum"].update, At(learning_rate=rate, momentum=momentum)
    position, velocity = start.copy(), np.zeros_like(start)
    found, still_in = np.full(len(start), np.inf), np.full(len(start), True)
    for step in range(1, most + 1):
        position, velocity = update(position, gradient(position), velocity, at=at)
        out = left(position)
        if out.any():  # mostly none is
            found[still_in & out] = step
            still_in &= ~out
            if not still_in.any():
                break
    return found


def _saddle(config: RunConfig) -> Measured:
    """f = (x^2 - y^2) / 2 from near its saddle point: steps until |y| > 1, with momentum and without."""
    rng = np.random.default_rng(config.seed)
    rate, momentum = config.optimizer.learning_rate, config.optimizer.momentum
    x, y = rng.uniform(-1, 1), 10.0 ** rng.uniform(-4, -2)
    cases = {"plain": (rate, 0.0), "momentum": (rate, momentum), "faster": (rate / (1 - momentum), 0.0)}
    rates, momenta = (np.array(column)[:, None] for column in zip(*cases.values(), strict=True))
    start, curvatures = np.tile([x, y], (len(cases), 1)), CURVATURE * np.array([1.0, -1.0])
    steps = steps_until(
        lambda position: np.abs(position[:, 1]) > 1,
        lambda position: curvatures * position,
        start, rates, momenta, MOST_STEPS,
    )  # fmt: skip
    plain, with_momentum, faster = steps
    return Measured(
        {
            "escape_steps": with_momentum,
            "escape_steps_without_momentum": plain,
            "escape_speedup": plain / with_momentum * (1 - momentum),
            "escape_speedup_at_equal_step": faster / with_momentum * (1 - momentum),
            "escape_speedup_predicted": 1.0,
            "escape_advantage_at_equal_step": faster / with_momentum,
        }
    )


def _tilted_cosine(config: RunConfig) -> Measured:
    """f = -cos x - tilt x, started just beyond the top before a minimum: whether descent passes the next top.

    Without momentum, gradient descent ends in the minimum. `escape_violations` counts the tilts without a threshold:
    plain descent escapes there, or no lambda does, or a larger lambda fails again.
    """
    rate = config.optimizer.learning_rate
    rng = np.random.default_rng(config.seed)
    tilt, momentum = (grid.ravel()[:, None] for grid in np.meshgrid(TILTS, LAMBDAS, indexing="ij"))
    top = -np.pi - np.arcsin(tilt)  # the gradient sin x - tilt vanishes there, and f curves downwards
    start = top + 10.0 ** rng.uniform(-3, -1)
    most = int(400 / np.sqrt(rate) + 40 / rate)
    steps = steps_until(
        lambda position: (position > top + 2 * np.pi)[:, 0],
        lambda position: np.sin(position) - tilt,
        start, np.full_like(tilt, rate), momentum, most,
    )  # fmt: skip
    escaped = np.isfinite(steps).reshape(len(TILTS), len(LAMBDAS))
    first = np.where(escaped.any(axis=1), escaped.argmax(axis=1), len(LAMBDAS))
    steady = [bool(row[place:].all()) for row, place in zip(escaped, first, strict=True)]
    violations = sum(not (0 < place < len(LAMBDAS) and kept) for place, kept in zip(first, steady, strict=True))
    rows = [
        (tilt, float(own), float(success))
        for tilt, line in zip(TILTS, escaped, strict=True)
        for own, success in zip(LAMBDAS, line, strict=True)
    ]
    metrics = {"escape_violations": float(violations), "escaped_without_momentum": float(escaped[:, 0].sum())}
    for tilt_value, place in zip(TILTS, first, strict=True):
        metrics[f"threshold_at_tilt_{tilt_value:g}"] = float(LAMBDAS[place]) if place < len(LAMBDAS) else 1.0
    place = TILTS.index(DRAWN_TILT)
    balls = sorted({0, max(int(first[place]) - 1, 0), min(int(first[place]), len(LAMBDAS) - 1)})
    begin = float(start.reshape(len(TILTS), -1)[place, 0])
    paths = _paths(begin, LAMBDAS[balls], rate, most)
    tables = {
        "tilted_cosine": tidy(("tilt", "lambda", "escaped"), rows),
        "ball_paths": tidy(("tilt", "lambda", "step", "position"), paths),
    }
    return Measured(metrics, tables)


def _paths(start: float, momenta: np.ndarray, rate: float, most: int) -> list[tuple[float, float, int, float]]:
    """The positions of a few balls on the cosine of the tilt that is drawn, as rows: at some of the steps, denser at
    first, and of a ball that is out of the minimum only until it has passed the next top by one.
    """
    update, at = OPTIMIZERS["momentum"].update, At(learning_rate=np.full(len(momenta), rate), momentum=momenta)
    position, velocity = np.full(len(momenta), start), np.zeros(len(momenta))
    out = np.pi - np.arcsin(DRAWN_TILT) + 1
    kept = set(np.geomspace(1, most, DRAWN_POINTS).round().astype(int).tolist())
    rows = []
    for step in range(1, most + 1):
        position, velocity = update(position, np.sin(position) - DRAWN_TILT, velocity, at=at)
        if step in kept:
            pairs = zip(momenta, position, strict=True)
            rows += [(DRAWN_TILT, float(own), step, float(x)) for own, x in pairs if x <= out]
    return rows


MOMENTUM_TOYS = {
    "saddle_escape": Measurement(
        "steps to leave a saddle with momentum and without, relative to 1 / (1 - lambda), at equal rate and equal step",
        ("optimizer.learning_rate", "optimizer.momentum", "seed"),
        (
            "escape_steps", "escape_steps_without_momentum", "escape_speedup", "escape_speedup_at_equal_step",
            "escape_speedup_predicted", "escape_advantage_at_equal_step",
        ),
        _saddle,
    ),
    "tilted_cosine": Measurement(
        "which lambda rolls out of the minima of a tilted cosine, and whether there is a threshold at every tilt",
        ("optimizer.learning_rate", "seed"),
        ("escape_violations", "escaped_without_momentum", *(f"threshold_at_tilt_{tilt:g}" for tilt in TILTS)),
        _tilted_cosine,
        version=2,
    ),
}  # fmt: skip
