"""The source of a claim's measure: to change it is to change what the claim asks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType
from typing import Any

_CONSTANTS = (bool, int, float, str, bytes, tuple, list, dict, set, frozenset, type(None))


def source_of(measure: Callable[..., object] | None) -> str:
    """The text of the measure, and of the functions, classes and constants of its own file that it leads to.

    "" without a measure. Where Python keeps no source of a function its bytecode stands for it.
    """
    found: dict[str, str] = {}
    _collect(measure, found)
    return "\n".join(found[name] for name in sorted(found))


def _collect(item: Any, found: dict[str, str]) -> None:  # whatever a function may refer to
    while isinstance(item, partial):
        found[f"partial {len(found)}"] = repr((item.args, item.keywords))
        item = item.func
    code = getattr(item, "__code__", None)
    if code is None or item.__qualname__ in found:
        return
    found[item.__qualname__] = _text(item, code)
    for cell in item.__closure__ or ():
        _collect(cell.cell_contents, found)
    for name in _names(code):
        value = item.__globals__.get(name)
        if getattr(value, "__module__", None) == item.__module__:
            _collect(value, found)
        elif isinstance(value, _CONSTANTS) and name in item.__globals__:
            found[name] = f"{name} = {value!r}"


def _text(item: Any, code: CodeType) -> str:
    try:
        return inspect.getsource(item)
    except (OSError, TypeError):
        return code.co_code.hex()


def _names(code: CodeType) -> Iterator[str]:
    """The global names that a function and those within it speak of."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
