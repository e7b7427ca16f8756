"""The grid and the arms of a sweep file as overrides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from workbench.engine.errors import BadInput
from workbench.sweep.hydra.internals import written
from workbench.sweep.hydra.log_range import written_out

Given = TypeVar("Given")
Found = TypeVar("Found")


def named(stem: str | None) -> str:
    """The file's name, as an error begins with it."""
    return f"conf/sweep/{stem}.yaml: " if stem else ""


def in_the_file(stem: str | None, do: Callable[[Given], Found], given: Given) -> Found:
    """Call `do` with a part of a sweep file. Its errors get the file's name as a prefix."""
    try:
        return do(given)
    except BadInput as error:
        raise BadInput(f"{named(stem)}{error}") from error


def params_of(given: object) -> list[str]:
    """`hydra.sweeper.params` as overrides. A mapping within it is a section; None is no grid."""
    if given is None:
        return []
    if not isinstance(given, Mapping):
        raise BadInput(f"hydra.sweeper.params is {given!r}; allowed: lines of key: values")
    return [written_out(f"{key}={typed(value)}") for key, value in _leaves(given)]


def arms_of(given: object) -> dict[str, list[str]]:
    """`hydra.sweeper.arms`: name -> overrides. In the file they are a list, lines of key: value, or a single one."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInput(f"hydra.sweeper.arms is {given!r}; allowed: lines of name: [key=value, ...]")
    for name in map(str, given):
        if not name.strip() or not name.isprintable():
            raise BadInput(f"an arm is called {name!r}; allowed: a name of printable characters")
    return {str(name): [*map(written_out, _overrides(str(name), arm))] for name, arm in given.items()}


def _overrides(name: str, arm: object) -> Iterator[str]:
    if isinstance(arm, str):
        yield arm
    elif isinstance(arm, Mapping):
        yield from (f"{key}={typed(value)}" for key, value in _leaves(arm))
    elif isinstance(arm, Sequence):
        for part in arm:
            yield from _overrides(name, part)
    elif arm is not None:
        raise BadInput(f"arm {name!r} is {arm!r}; allowed: [key=value, ...]")


def typed(value: object) -> str:
    """A value of a sweep file as it would be typed on the command line. A list is swept over: `[1, 2]` is `1,2`. Its
    items may be lists: `[[1, 2], [3]]` is `[1,2],[3]`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        raise BadInput(f"found {dict(value)} in a list of values; allowed: numbers, texts, true, false and lists")
    if isinstance(value, Sequence):
        return ",".join(f"[{typed(item)}]" if _is_list(item) else typed(item) for item in value)
    return written(value)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _leaves(given: Mapping[object, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
