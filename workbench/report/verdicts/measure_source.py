"""The source of a claim's measure: to change it is to change what the claim asks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType

_CONSTANTS = (bool, int, float, str, bytes, tuple, list, dict, set, frozenset, type(None))


def source_of(measure: Callable[..., object] | None) -> str:
    """The text of the measure, and of the functions, classes and constants of its own file that it leads to.

    "" without a measure. Where Python keeps no source of a function its bytecode stands for it.
    """
    found: dict[str, str] = {}
    _collect(measure, found)
    return "\n".join(found[name] for name in sorted(found))


def _collect(item: object, found: dict[str, str]) -> None:
    while isinstance(item, partial):
        found[f"partial {len(found)}"] = repr((item.args, item.keywords))
        item = item.func
    function = item.__func__ if isinstance(item, MethodType) else item
    if not isinstance(function, FunctionType) or function.__qualname__ in found:
        return
    found[function.__qualname__] = _text(function)
    for held in _closed_over(function):
        _collect(held, found)
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if getattr(value, "__module__", None) == function.__module__:
            _collect(value, found)
        elif isinstance(value, _CONSTANTS) and name in function.__globals__:
            found[name] = f"{name} = {_written(value)}"


def _closed_over(function: FunctionType) -> Iterator[object]:
    """What the cells of a closure hold. One is empty while its name is not assigned, and after it is deleted."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):
            yield cell.cell_contents


def _written(value: object) -> str:
    """A constant as text. A set is written in order: Python's own order of it is another one in every process."""
    return f"{{{', '.join(sorted(map(repr, value)))}}}" if isinstance(value, set | frozenset) else repr(value)


def _text(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return function.__code__.co_code.hex()


def _names(code: CodeType) -> Iterator[str]:
    """The global names that a function and those within it speak of."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
