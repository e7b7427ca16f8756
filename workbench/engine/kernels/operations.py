"""The NumPy functions that a rule may use: each of them can be lowered to every language.

A row holds the text of an operation in Python, as Numba compiles it, and in C. `{0}`, `{1}`, ... stand for its
operands. Comparisons give truth values; everything else gives float32 numbers. NaN stays NaN, as in NumPy, so that a
diverged run shows. The functions that the texts call are defined in `compiled/elementary.py` and in
`cuda/elementary.cuh`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One row of `OPERATIONS`: its texts, whether it gives a truth value, and whether it takes truth values.

    `c_each` is its C text for values that vary from element to element, if that differs.
    """

    python: str
    c: str
    gives_truth: bool = False
    takes_truth: bool = False
    c_each: str = ""


def _infix(symbol: str) -> Operation:
    return Operation(f"{{0}} {symbol} {{1}}", f"{{0}} {symbol} {{1}}")


def _comparison(symbol: str) -> Operation:
    return Operation(f"{{0}} {symbol} {{1}}", f"{{0}} {symbol} {{1}}", gives_truth=True)


def _logic(python: str, c: str) -> Operation:
    return Operation(python, c, gives_truth=True, takes_truth=True)


def _function(python: str, c: str = "") -> Operation:
    return Operation(f"{python}({{0}})", f"{c or python}({{0}})")


OPERATIONS: dict[str, Operation] = {
    "add": _infix("+"),
    "subtract": _infix("-"),
    "multiply": _infix("*"),
    "divide": Operation("{0} / {1}", "{0} / {1}", c_each="quotient({0}, {1})"),
    "negative": Operation("-{0}", "-{0}"),
    "absolute": _function("abs", "fabsf"),
    "maximum": Operation("larger({0}, {1})", "larger({0}, {1})"),
    "minimum": Operation("smaller({0}, {1})", "smaller({0}, {1})"),
    "sqrt": Operation("np.sqrt({0})", "sqrtf({0})", c_each="root({0})"),
    "exp": _function("exp", "expf"),
    "expm1": _function("expm1", "expm1f"),
    "log": _function("log", "logf"),
    "log1p": _function("log1p", "log1pf"),
    "tanh": _function("tanh", "tanhf"),
    "sin": _function("np.sin", "sinf"),
    "cos": _function("np.cos", "cosf"),
    "arctan": _function("np.arctan", "atanf"),
    "erf": _function("math.erf", "erff"),
    "floor": _function("np.floor", "floorf"),
    "sign": _function("sign"),
    "power": Operation("{0} ** {1}", "powf({0}, {1})"),
    "greater": _comparison(">"),
    "greater_equal": _comparison(">="),
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "equal": _comparison("=="),
    "not_equal": _comparison("!="),
    "logical_and": _logic("{0} & {1}", "{0} && {1}"),
    "logical_or": _logic("{0} | {1}", "{0} || {1}"),
    "logical_not": _logic("not {0}", "!{0}"),
    "where": Operation("{1} if {0} else {2}", "{0} ? {1} : {2}"),
    "as_number": Operation("np.float32({0})", "({0} ? 1.0f : 0.0f)", takes_truth=True),
}
# Other names that NumPy has for these operations.
ALIASES = {
    "true_divide": "divide",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "invert": "logical_not",
    "fmax": "maximum",
    "fmin": "minimum",
}
