"""A rule is written once: what is traced of it, printed as Python and as C, computes what the rule computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.engine.kernels.lowering import CannotLower, statements, trace
from workbench.engine.kernels.operations import OPERATIONS
from workbench.engine.kernels.traced import activation_traces, optimizer_trace, penalty_trace
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.rules.penalties import PENALTIES

# One rule an operation, with an argument for which it is defined.
RULES: dict[str, Any] = {
    "add": lambda z: z + 1.5,
    "subtract": lambda z: 1 - z,
    "multiply": lambda z: z * 0.3,
    "divide": lambda z: z / (z + 7),
    "negative": lambda z: -z,
    "absolute": lambda z: abs(z),
    "maximum": lambda z: np.maximum(z, 0.2),
    "minimum": lambda z: np.minimum(z, z * z),
    "sqrt": lambda z: np.sqrt(z + 7),
    "exp": np.exp,
    "expm1": np.expm1,
    "log": lambda z: np.log(z + 7),
    "log1p": lambda z: np.log1p(z + 6),
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "arctan": np.arctan,
    "erf": lambda z: __import__("scipy.special").special.erf(z),
    "floor": np.floor,
    "sign": np.sign,
    "power": lambda z: (z + 7) ** 1.3,
    "greater": lambda z: z > 0.5,
    "greater_equal": lambda z: z >= 0.5,
    "less": lambda z: z < 0.5,
    "less_equal": lambda z: z <= 0.5,
    "equal": lambda z: z == 1,
    "not_equal": lambda z: z != 1,
    "logical_and": lambda z: (z > 0) & (z < 1),
    "logical_or": lambda z: (z < 0) | (z > 1),
    "logical_not": lambda z: ~(z > 0),
    "where": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "as_number": lambda z: (z > 0) * z,
    # and what is printed by way of these
    "square": np.square,
    "reciprocal": lambda z: np.reciprocal(z + 7),
    "power of a whole number": lambda z: z**3,
    "power of a half": lambda z: (z + 7) ** 0.5,
    "clip": lambda z: np.clip(z, -1, 1),
    "constant": lambda z: np.ones_like(z),
    "a helper and a loop": lambda z: sum(0.1 * _helper(z, power) for power in (1, 2, 3)),
}
Z = np.array([-6, -1.5, -1, -0.25, 0, 0.25, 0.5, 1, 2, 5.5], np.float32)


def _helper(z: Any, power: int) -> Any:
    return np.tanh(z) * power


def test_every_operation_has_a_rule_here() -> None:
    assert OPERATIONS.keys() <= RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_what_is_printed_for_numba_computes_what_the_rule_computes(name: str) -> None:
    numba = pytest.importorskip("numba", reason="runs where Numba is installed")
    from workbench.engine.kernels.compiled import rule_loops

    assert numba
    value = trace(RULES[name], ("z",))
    text = rule_loops._activation_loop("forward", value, "a_of[i] = {}", ("z",))
    loop = rule_loops.address(rule_loops._module(f"test {name}", text).forward)
    found = np.full_like(Z, np.nan)
    rule_loops.called(loop, Z.ctypes.data, found.ctypes.data, 0, 1, Z.size, Z.size)
    np.testing.assert_allclose(found, np.asarray(RULES[name](Z), np.float32), rtol=1e-6, atol=1e-7)


def test_what_does_not_vary_is_computed_once_and_divided_by_once() -> None:
    printed = statements(optimizer_trace(OPTIMIZERS["adam"]), "c")
    assert [assignment.expression for assignment in printed.once] == [
        "at_learning_rate / at_bias1", "1.0f - at_beta1", "1.0f - at_beta2", "1.0f / at_bias2",
    ]  # fmt: skip
    assert sum("quotient(" in assignment.expression for assignment in printed.each) == 1


def test_every_elementwise_row_of_ours_can_be_followed() -> None:
    for activation in ACTIVATIONS.values():
        assert activation_traces(activation)
    for optimizer in OPTIMIZERS.values():
        assert optimizer_trace(optimizer).reads == optimizer.reads
    for penalty in PENALTIES.values():
        if penalty.moment != "rows":
            assert penalty_trace(penalty)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (lambda z: z.sum(), r"uses \.sum of an array"),
        (lambda z: z if z > 0 else 0 * z, "np.where does that"),
        (lambda z: np.sort(z), "np.sort has no form"),
        (lambda z: np.cumsum(z), "cumsum"),
        (lambda z: np.sinh(z), "np.sinh has no form in a compiled kernel"),
        (lambda z: np.add(z, 1, out=z), "np.add is used with out"),
        (lambda z: z[0], "takes elements"),
        (lambda z: float(z), "asks for the value"),
        (lambda z: z + np.ones(3), "ndarray"),
        (lambda z: z + None, "cannot be followed|NoneType"),
        (lambda z: undefined_name, "NameError"),  # type: ignore[name-defined]  # noqa: ARG005, F821
    ],
)
def test_what_cannot_be_lowered_says_why(rule: Any, reason: str) -> None:
    with pytest.raises(CannotLower, match=reason):
        trace(rule, ("z",))


def test_a_rule_that_grows_without_bound_is_refused() -> None:
    def long(z: Any) -> Any:
        for _ in range(3000):
            z = z * 0.5 + 1
        return z

    with pytest.raises(CannotLower, match="more than 2000 operations"):
        trace(long, ("z",))


def test_a_shared_value_is_printed_once() -> None:
    def doubling(z: Any) -> Any:
        for _ in range(40):
            z = z * z  # as an expression this would hold z a billion times
        return z

    assert len(statements(trace(doubling, ("z",)), "python").each) == 40
