"""Lowering: a rule translated to Python for Numba, or to C for CUDA.

A rule is a pure function of plain arithmetic and NumPy ufuncs. It is called once with symbols instead of arrays, and
`trace` records every operation on them. So helper functions, lambdas and loops over constants need no special
treatment: only arithmetic remains. `statements` prints it, one operation per line, with float32 constants. Values that
do not vary along the arrays are printed separately, to be computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from workbench.engine.kernels.operations import ALIASES, OPERATIONS

Language = Literal["python", "c"]
LARGEST_POWER = 8  # whole exponents up to this are printed as products
MOST_OPERATIONS = 2000  # of one rule; a rule with more is no elementwise arithmetic that a person wrote


class CannotLower(Exception):
    """A rule uses something that cannot be lowered. The message says what."""


@dataclass(frozen=True, eq=False)
class Symbol(NDArrayOperatorsMixin):
    """A number that is not known yet: a leaf with a name, a constant, or an operation on other symbols.

    If `varies`, the number differs from element to element. If not, it is one number of the run at this step.
    """

    operation: str = ""
    operands: tuple[Symbol, ...] = ()
    name: str = ""
    value: float = 0.0
    varies: bool = True
    is_truth: bool = False

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Symbol:
        if method != "__call__" or options:
            raise CannotLower(f"np.{ufunc.__name__} is used with {', '.join(options) or method}")
        return apply(ufunc.__name__, inputs)

    def __array_function__(
        self, function: Callable[..., object], _types: object, inputs: Sequence[object], options: Mapping[str, object]
    ) -> Symbol:
        name = function.__name__
        if options:
            raise CannotLower(f"np.{name} is used with {', '.join(options)}")
        if name in ("ones_like", "zeros_like"):
            return constant(float(name == "ones_like"))
        if name == "clip":
            value, low, high = inputs
            return apply("minimum", (apply("maximum", (value, low)), high))
        return apply(name, inputs)

    def __bool__(self) -> bool:
        raise CannotLower("it decides by the value of an array: np.where does that for every element")

    def __float__(self) -> float:
        raise CannotLower("it asks for the value of an array")

    __int__ = __index__ = __float__

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise CannotLower(f"it uses .{name} of an array")

    def __getitem__(self, _index: object) -> object:
        raise CannotLower("it takes elements of an array")

    def __len__(self) -> int:
        raise CannotLower("it asks for the length of an array")

    def __iter__(self) -> object:
        raise CannotLower("it goes through the elements of an array")


@dataclass
class Numbers:
    """What a rule finds under `at`: a symbol for each name that it reads. `read` lists them in that order."""

    read: dict[str, Symbol] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Symbol:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.read.setdefault(name, Symbol(name=f"at_{name}", varies=False))


@dataclass(frozen=True)
class Trace:
    """What a rule computes: its results as symbols, the names of the arrays that it uses, and of the numbers that it
    reads.
    """

    results: tuple[Symbol, ...]
    uses: frozenset[str]
    reads: tuple[str, ...]


def trace(rule: Callable[..., object], arrays: Sequence[str], has_numbers: bool = False) -> Trace:
    """Call a rule with symbols named `arrays`, and with `at` if it reads numbers, and record what it does.

    Raises CannotLower if it does something that has no form in other kernels.
    """
    numbers = Numbers()
    options = {"at": numbers} if has_numbers else {}
    try:
        found = rule(*(Symbol(name=name) for name in arrays), **options)
    except CannotLower:
        raise
    except Exception as error:
        raise CannotLower(f"it cannot be followed ({type(error).__name__}: {error})") from None
    results = tuple(_as_number(_symbol(result)) for result in (found if isinstance(found, tuple) else (found,)))
    uses = frozenset(symbol.name for symbol in _ordered(results) if symbol.name in arrays)
    return Trace(results, uses, tuple(numbers.read))


def constant(value: float) -> Symbol:
    """A symbol for a known number."""
    return Symbol(value=value, varies=False, operation="constant")


def apply(name: str, inputs: Sequence[object]) -> Symbol:
    """An operation of NumPy on symbols and numbers. Raises CannotLower if it has no form in other kernels."""
    name, operands = ALIASES.get(name, name), [_symbol(value) for value in inputs]
    if name in SHORTER:
        return SHORTER[name](*operands)
    if name not in OPERATIONS:
        known = ", ".join(operation for operation in OPERATIONS if operation != "as_number")
        raise CannotLower(f"np.{name} has no form in a compiled kernel; these have: {known}")
    row = OPERATIONS[name]
    convert = _as_truth if row.takes_truth else _as_number
    if name == "where":
        operands = [_as_truth(operands[0]), *map(_as_number, operands[1:])]
    else:
        operands = [convert(operand) for operand in operands]
    varies = any(operand.varies for operand in operands)
    return Symbol(name, tuple(operands), varies=varies, is_truth=row.gives_truth)


def _divide(left: Symbol, right: Symbol) -> Symbol:
    """A quotient. Division by a number that does not vary becomes multiplication by its reciprocal, which is computed
    once.
    """
    if left.varies and not right.varies and right.operation != "constant":
        return apply("multiply", (left, _operation("divide", constant(1.0), right)))
    return _operation("divide", left, right)


def _power(base: Symbol, exponent: Symbol) -> Symbol:
    """A power. Whole exponents become products, and an exponent of 1/2 becomes a square root."""
    if exponent.operation == "constant":
        if exponent.value == 0.5:
            return apply("sqrt", (base,))
        if 1 <= exponent.value <= LARGEST_POWER and exponent.value.is_integer():
            return (
                base if exponent.value == 1 else apply("multiply", (base, _power(base, constant(exponent.value - 1))))
            )
    return _operation("power", base, exponent)


def _operation(name: str, *operands: Symbol) -> Symbol:
    operands = tuple(map(_as_number, operands))
    return Symbol(name, operands, varies=any(operand.varies for operand in operands))


# Operations that are printed as other operations.
SHORTER: dict[str, Callable[..., Symbol]] = {
    "divide": _divide,
    "power": _power,
    "float_power": _power,
    "positive": lambda x: x,
    "square": lambda x: apply("multiply", (x, x)),
    "reciprocal": lambda x: apply("divide", (1.0, x)),
    "expit": lambda x: apply("add", (apply("multiply", (apply("tanh", (apply("multiply", (x, 0.5)),)), 0.5)), 0.5)),
}


def _symbol(value: object) -> Symbol:
    if isinstance(value, Symbol):
        return value
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return constant(float(value))
    raise CannotLower(f"it uses a {type(value).__name__}, and may use numbers and its arguments")


def _as_number(symbol: Symbol) -> Symbol:
    return Symbol("as_number", (symbol,), varies=symbol.varies) if symbol.is_truth else symbol


def _as_truth(symbol: Symbol) -> Symbol:
    return symbol if symbol.is_truth else apply("not_equal", (symbol, 0.0))


def _ordered(results: Sequence[Symbol]) -> list[Symbol]:
    """Every symbol the results need, each after its operands."""
    found: dict[int, Symbol] = {}
    stack = [(symbol, False) for symbol in reversed(results)]
    while stack:
        symbol, done = stack.pop()
        if id(symbol) in found:
            continue
        if done or not symbol.operands:
            found[id(symbol)] = symbol
        else:
            stack.append((symbol, True))
            stack.extend((operand, False) for operand in reversed(symbol.operands))
        if len(found) + len(stack) > MOST_OPERATIONS:
            raise CannotLower(f"it takes more than {MOST_OPERATIONS} operations")
    return list(found.values())


class Assignment(NamedTuple):
    """One line of a rule as text: a name for the value of an expression, which is a number or a truth value."""

    name: str
    expression: str
    is_truth: bool


@dataclass(frozen=True)
class Statements:
    """A rule as text: the lines for what does not vary along the arrays (`once`), the lines for what does (`each`), and
    the results.
    """

    once: tuple[Assignment, ...]
    each: tuple[Assignment, ...]
    results: tuple[str, ...]


def statements(traced: Trace, language: Language) -> Statements:
    """The text of a traced rule, one operation per assignment. Leaves keep their names."""
    order = _ordered(traced.results)
    text: dict[int, str] = {}
    once: list[Assignment] = []
    each: list[Assignment] = []
    for symbol in order:
        if not symbol.operands:
            text[id(symbol)] = symbol.name or literal(symbol.value, language)
            continue
        row = OPERATIONS[symbol.operation]
        form = row.c_each if symbol.varies and row.c_each and language == "c" else getattr(row, language)
        expression = form.format(*(text[id(operand)] for operand in symbol.operands))
        name = f"t{len(once) + len(each)}"
        (each if symbol.varies else once).append(Assignment(name, expression, symbol.is_truth))
        text[id(symbol)] = name
    return Statements(tuple(once), tuple(each), tuple(text[id(result)] for result in traced.results))


def literal(value: float, language: Language) -> str:
    """A float32 constant. A double would turn the arithmetic into doubles."""
    if language == "python":
        return f"np.float32({value!r})" if np.isfinite(value) else f"np.float32({str(value)!r})"
    if np.isnan(value):
        return "NAN"
    return f"{float(value)!r}f" if np.isfinite(value) else ("INFINITY" if value > 0 else "-INFINITY")
