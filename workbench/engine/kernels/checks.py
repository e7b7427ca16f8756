"""The checks of a user's rule at its first use: its derivative, dtype and finiteness, and its lowered form.

Every complaint is one line that names the file, the rule and, for an activation, the z at which it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, singledispatch

import numpy as np
from numpy.typing import DTypeLike

from workbench.engine.errors import BadInput
from workbench.engine.kernels.lowering import CannotLower
from workbench.engine.layers import LAYERS
from workbench.engine.rules.activations import Activation
from workbench.engine.rules.at import At
from workbench.engine.rules.initializers import DISTRIBUTIONS, INITIALIZERS, Initializer
from workbench.engine.rules.losses import Judged, Loss
from workbench.engine.rules.optimizers import Optimizer
from workbench.engine.rules.penalties import MOMENTS, Penalty
from workbench.engine.rules.rule_files import RULE_TABLES, RuleFile
from workbench.engine.rules.schedules import VARYING, Schedule
from workbench.engine.training.pack import columns

CHECK_STEP = 1e-6  # the distance of central differences, in float64
TOLERANCE = 1e-5
LOWERED_TOLERANCE = 2e-5  # float32, and elementary functions that agree to a few ulp
POINTS = np.concatenate(
    [np.linspace(-6, 6, 481) + 1e-3, [-20.0, -10.0, 10.0, 20.0]]
)  # points of z; none of them is a likely kink
SLOPE = 0.2
SETTINGS_OF_ACTIVATIONS = ("slope", "pieces")


@lru_cache(maxsize=256)
def check(file: RuleFile, table: str, name: str) -> None:
    """Check a row that came from a file. Raises BadInput with one line."""
    row = RULE_TABLES[table].rows[name]
    try:
        with np.errstate(all="ignore"):
            _check_row(row, name)
    except _Wrong as wrong:
        raise BadInput(f"{file.name}: {_kind(row)} {name!r}: {wrong}") from None
    except CannotLower:
        return  # the plain kernel trains it, and the sweep says so
    except (Exception, SystemExit) as error:
        if isinstance(error, ValueError) and "read-only" in str(error):
            found = "it changes an array that it is given, which others still read; allowed: to return a new one"
            raise BadInput(f"{file.name}: {_kind(row)} {name!r}: {found}") from None
        raise BadInput(
            f"{file.name}: {_kind(row)} {name!r}: raises {type(error).__name__}: {error}".splitlines()[0]
        ) from None


class _Wrong(Exception):
    """What is wrong with a rule."""


def _given(array: np.ndarray) -> np.ndarray:
    """A copy as a rule is given it: to be read, and not to be changed."""
    copied = array.copy()
    copied.setflags(write=False)
    return copied


def _kind(row: object) -> str:
    return type(row).__name__.lower()


@singledispatch
def _check_row(row: object, _name: str) -> None:
    """The checks of a row of its kind, the functions that are registered below."""
    raise AssertionError(f"no checks for a {_kind(row)}")


@_check_row.register
def _activation(row: Activation, name: str) -> None:
    if row.layer not in LAYERS:
        raise _Wrong(f"its layer is {row.layer!r}; allowed: one of {', '.join(LAYERS)}")
    if row.init not in INITIALIZERS:
        raise _Wrong(f"its init is {row.init!r}; allowed: one of {', '.join(INITIALIZERS)}")
    if not np.isfinite(row.steepest) or row.steepest <= 0:
        raise _Wrong(f"its steepest is {row.steepest!r}; allowed: a number, x > 0")
    if unknown := [name for name in row.reads if name not in SETTINGS_OF_ACTIVATIONS]:
        raise _Wrong(f"its reads name {unknown[0]!r}; allowed: {', '.join(SETTINGS_OF_ACTIVATIONS)}")
    z = _given(POINTS)
    # The slope is a number here, and an array while training.
    value_of: Callable[..., np.ndarray] = row.value
    derivative_of: Callable[..., np.ndarray] = row.derivative
    value = _array(value_of(z, SLOPE), z, "its value")
    derivative = _array(derivative_of(z, value, SLOPE), z, "its derivative")
    _compare_derivative(lambda x: np.asarray(value_of(x, SLOPE)), derivative, z, "derivative")
    if "slope" not in row.reads and not np.array_equal(value, np.broadcast_to(value_of(z, 2 * SLOPE), z.shape)):
        raise _Wrong('its value depends on the slope; say so in its row: reads=("slope",)')
    if row.slope_derivative is not None:
        found = _array(row.slope_derivative(z), z, "its slope_derivative")
        exact = (value_of(z, SLOPE + CHECK_STEP) - value_of(z, SLOPE - CHECK_STEP)) / (2 * CHECK_STEP)
        _agree(found, exact, z, "slope_derivative", TOLERANCE)
    single = _given(z.astype(np.float32))
    kept = _array(value_of(single, np.float32(SLOPE)), single, "its value")
    _array(derivative_of(single, kept, np.float32(SLOPE)), single, "its derivative")
    _lowered_activation(row, name, single.copy())


def _lowered_activation(row: Activation, name: str, z: np.ndarray) -> None:
    from workbench.engine.kernels.choice import numba_fault

    if numba_fault():
        return
    from workbench.engine.kernels.compiled.rule_loops import run_activation

    slope = np.full(z.size, SLOPE, np.float32)
    value, derivative = run_activation(name, z, slope)
    exact = np.asarray(row.value(z, slope), np.float32)
    _agree(value, exact, z, "compiled value", LOWERED_TOLERANCE)
    found = np.asarray(row.derivative(z, exact, slope), np.float32)
    _agree(derivative, found, z, "compiled derivative", LOWERED_TOLERANCE)


def _compare_derivative(value: Callable[[np.ndarray], np.ndarray], found: np.ndarray, z: np.ndarray, what: str) -> None:
    """Compare with central differences. A point where the differences from the left and from the right disagree is a
    kink, and is skipped.
    """
    left, right = (value(z) - value(z - CHECK_STEP)) / CHECK_STEP, (value(z + CHECK_STEP) - value(z)) / CHECK_STEP
    smooth = np.abs(left - right) <= 1e-3 * (1 + np.abs(left))
    exact = (value(z + CHECK_STEP) - value(z - CHECK_STEP)) / (2 * CHECK_STEP)
    _agree(found[smooth], exact[smooth], z[smooth], what, TOLERANCE, "finite differences give")


def _agree(
    found: np.ndarray,
    exact: np.ndarray,
    z: np.ndarray,
    what: str,
    tolerance: float,
    words: str = "the plain form gives",
) -> None:
    wrong = ~np.isclose(found, exact, rtol=tolerance, atol=tolerance)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise _Wrong(f"its {what} at z = {z[place]:.4g} is {found[place]:.6g}, and {words} {exact[place]:.6g}")


def _array(result: object, like: np.ndarray, what: str) -> np.ndarray:
    """The result as an array of the same shape and dtype, finite everywhere. A constant or a truth value is accepted
    too.
    """
    found = np.asarray(result)
    if found.dtype == bool or found.ndim == 0:
        found = np.broadcast_to(found, like.shape).astype(like.dtype)
    if found.shape != like.shape:
        raise _Wrong(f"{what} has shape {found.shape}; allowed: that of z, {like.shape}")
    if found.dtype != like.dtype:
        raise _Wrong(
            f"{what} is {found.dtype} for {like.dtype} input; allowed: the same (a Python number beside an array of "
            f"numbers keeps it; np.where of two Python numbers does not, nor does one beside a comparison)"
        )
    if not np.isfinite(found).all():
        place = int(np.flatnonzero(~np.isfinite(found))[0])
        raise _Wrong(f"{what} at z = {like[place]:.4g} is {found[place]}; allowed: a finite number")
    return found


def _numbers(reads: tuple[str, ...], dtype: DTypeLike) -> At:
    return At(**{name: np.full((2, 1), 0.5, dtype) for name in reads})


@_check_row.register
def _optimizer(row: Optimizer, name: str) -> None:
    if unknown := [name for name in row.reads if name not in (*VARYING, *columns())]:
        raise _Wrong(f"it reads at.{unknown[0]}; allowed: settings of optimizers, and what its hyperparameters name")
    draw = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        w, g = (draw.normal(size=(2, 64)).astype(dtype) for _ in range(2))
        slots = [np.zeros((2, 64), dtype) for _ in row.slots]
        found = row.update(_given(w), _given(g), *map(_given, slots), at=_numbers(row.reads, dtype))
        if not isinstance(found, tuple) or len(found) != 1 + len(slots):
            raise _Wrong(f"its update returns {_count(found)}; allowed: a tuple of w and {len(slots)} slots")
        for array, what in zip(found, ("w", *row.slots), strict=True):
            _array(array, w, f"the new {what}")
        part = row.update(w[:, :8], g[:, :8], *(slot[:, :8] for slot in slots), at=_numbers(row.reads, dtype))
        if not np.array_equal(part[0], found[0][:, :8]):
            raise _Wrong("an element's update depends on the other elements; allowed: elementwise arithmetic")

    _lowered_update(row, name)


def _lowered_update(row: Optimizer, name: str) -> None:
    from workbench.engine.kernels.choice import numba_fault

    if numba_fault():
        return
    from workbench.engine.kernels.compiled.rule_loops import run_optimizer

    w, g, *slots = _draws(2 + len(row.slots))
    slots = [np.abs(slot) for slot in slots]  # like sums of squares, which slots often hold
    at = At(**dict.fromkeys(row.reads, np.float32(0.5)))
    exact = row.update(w.copy(), g.copy(), *(slot.copy() for slot in slots), at=at)
    run_optimizer(name, w, g, slots, vars(at))
    for found, wanted, what in zip((w, *slots), exact, ("w", *row.slots), strict=True):
        _same(found, np.asarray(wanted), f"the new {what}")


def _lowered_penalty(row: Penalty, name: str) -> None:
    from workbench.engine.kernels.choice import numba_fault

    if row.moment == "rows" or numba_fault():
        return
    from workbench.engine.kernels.compiled.rule_loops import run_penalty

    w, g = _draws(2)
    at = At(**dict.fromkeys(row.reads, np.float32(0.5)))
    exact = row.apply(w.copy(), g.copy(), at)
    run_penalty(name, w, g, vars(at))
    _same(g if row.moment == "gradient" else w, np.asarray(exact), "its result")


def _draws(count: int) -> list[np.ndarray]:
    draw = np.random.default_rng(1)
    return [draw.normal(size=64).astype(np.float32) for _ in range(count)]


def _same(found: np.ndarray, exact: np.ndarray, what: str) -> None:
    """Raise unless the compiled form agrees with the plain one wherever the plain one is finite."""
    wrong = ~np.isclose(found, exact, rtol=LOWERED_TOLERANCE, atol=LOWERED_TOLERANCE) & np.isfinite(exact)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise _Wrong(f"compiled, {what} is {found[place]:.6g}, and the plain form gives {exact[place]:.6g}")


def _count(found: object) -> str:
    return f"{len(found)} values" if isinstance(found, tuple) else f"a {type(found).__name__}"


@_check_row.register
def _penalty(row: Penalty, name: str) -> None:
    if row.moment not in MOMENTS:
        raise _Wrong(f"its moment is {row.moment!r}; allowed: one of {', '.join(MOMENTS)}")
    if name not in row.reads:
        raise _Wrong(f"it does not read its strength, at.{name}")
    draw = np.random.default_rng(0)
    shape = (2, 8, 8) if row.moment == "rows" else (2, 64)
    w, g = _given(draw.normal(size=shape)), _given(draw.normal(size=shape))
    at = At(**{read: np.full((2, *[1] * (len(shape) - 1)), 0.5) for read in row.reads})
    _array(row.apply(w, g, at), w, "its result")
    setattr(at, name, np.zeros_like(getattr(at, name)))
    unchanged = g if row.moment == "gradient" else w
    if not np.array_equal(row.apply(w, g, at), unchanged):
        raise _Wrong("a strength of 0 changes something; allowed: nothing")
    _lowered_penalty(row, name)


@_check_row.register
def _initializer(row: Initializer, _name: str) -> None:
    if row.distribution not in DISTRIBUTIONS:
        raise _Wrong(f"its distribution is {row.distribution!r}; allowed: {', '.join(DISTRIBUTIONS)}")
    for fan_in, fan_out in ((1, 1), (64, 10), (784, 512)):
        spread: object = row.spread(fan_in, fan_out, 0.01)
        if not isinstance(spread, int | float | np.number) or not np.isfinite(spread) or spread < 0:
            raise _Wrong(f"its spread for fan_in={fan_in}, fan_out={fan_out} is {spread}; allowed: a number, x >= 0")


@_check_row.register
def _schedule(row: Schedule, _name: str) -> None:
    updates = np.arange(1000.0)
    found = np.asarray(row.multiplier(updates, 0.99))
    if found.shape != updates.shape or not np.isfinite(found).all() or (found < 0).any():
        raise _Wrong("its multiplier is not one finite number >= 0 for each update")
    if not np.array_equal(np.asarray(row.multiplier(updates[500:], 0.99)), found[500:]):
        raise _Wrong("its multiplier of an update depends on which others are asked for")


@_check_row.register
def _loss(row: Loss, _name: str) -> None:
    draw, outputs = np.random.default_rng(0), row.units({"classes": 3, "two_classes": 2, "regression": 2}[row.task])
    z = draw.normal(size=(2, 5, outputs))
    labels = draw.integers(0, 3 if row.task == "classes" else 2, (2, 5))
    targets = draw.normal(size=z.shape) if row.task == "regression" else labels
    judged: object = row.judge(_given(z), _given(targets))
    if not isinstance(judged, Judged):
        raise _Wrong(f"its judge returns {_count(judged)}; allowed: Judged(losses, correct, delta)")
    for what, found, shape in (("losses", judged.losses, z.shape[:-1]), ("delta", judged.delta, z.shape)):
        if np.shape(found) != shape:
            raise _Wrong(f"its {what} have shape {np.shape(found)} for z of {z.shape}; allowed: {shape}")
    for index in np.ndindex(z.shape):
        sides = []
        for step in (CHECK_STEP, -CHECK_STEP):
            moved = z.copy()
            moved[index] += step
            sides.append(row.judge(moved, targets).losses[index[:2]])
        exact = (sides[0] - sides[1]) / (2 * CHECK_STEP)
        _agree(
            np.array([judged.delta[index]]), np.array([exact]), np.array([z[index]]), "delta", TOLERANCE,
            "finite differences of its losses give",
        )  # fmt: skip
