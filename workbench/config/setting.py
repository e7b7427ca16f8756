"""The description of a setting: its default, unit, range and meaning, and what it decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Literal, TypeVar, cast, get_args, get_type_hints

from workbench.config.families import Choices

Role = Literal["static", "per_run", "none"]
Value = bool | int | float | str | None  # of a setting
Default = TypeVar("Default", bound=Value)


def setting(
    default: Default,
    *,
    help: str,
    role: Role,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    open_low: bool = False,
    open_high: bool = False,
    choices: Sequence[str] | Choices = (),
    numbers: bool | None = None,
    engine: str = "",
    several: bool = False,
    listed: bool = False,
) -> Default:
    """A field of the schema; everything but the default lies in its `metadata`, and in `SETTINGS`.

    For the type checker it has the type of its default, as `dataclasses.field` does.

    `role` is static (runs of a pack share it), per_run (a column of the pack) or none (it belongs to the sweep or to
    where it runs); `numbers`: whether it decides a run's numbers (default: whether it has a role); `engine` is its
    name in the engine's pack (default: the field's own name); `several` allows more than one of the choices, joined by
    "+", or none; `listed` makes it a list of integers, each within the range, kept as its text: "[8,16]".
    """
    metadata = {
        "help": help,
        "role": role,
        "unit": unit,
        "low": low,
        "high": high,
        "open_low": open_low,
        "open_high": open_high,
        "choices": choices,
        "numbers": role != "none" if numbers is None else numbers,
        "engine": engine,
        "several": several,
        "listed": listed,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Setting:
    """One row of `SETTINGS`: a leaf of the schema."""

    key: str
    kind: type
    optional: bool
    default: Value
    help: str
    role: Role
    unit: str
    low: float | None
    high: float | None
    open_low: bool
    open_high: bool
    choices: Sequence[str] | Choices
    numbers: bool
    engine: str
    several: bool = False
    listed: bool = False

    def names(self) -> tuple[str, ...]:
        """The values that it may have, if these are names; else empty."""
        return self.choices.names() if isinstance(self.choices, Choices) else tuple(self.choices)


def settings_of(schema: type, prefix: str = "") -> dict[str, Setting]:
    """The rows of a schema and of the sections within it, by dotted key, in the schema's order."""
    hints = get_type_hints(schema)
    rows: dict[str, Setting] = {}
    for item in fields(schema):
        key, hint = prefix + item.name, hints[item.name]
        if is_dataclass(hint):
            assert isinstance(hint, type)
            rows |= settings_of(hint, key + ".")
            continue
        kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
        optional = len(get_args(hint)) > len(kinds)
        metadata = {**item.metadata, "engine": item.metadata["engine"] or item.name}
        kind = str if metadata["listed"] else kinds[0]
        rows[key] = Setting(key, kind, optional, cast(Value, item.default), **metadata)
    return rows


def integers(text: str) -> tuple[int, ...] | None:
    """The numbers of a listed setting from its text, such as "[8,16]"; None if it is no list of integers."""
    if not re.fullmatch(r"\[\s*\d{1,9}(\s*,\s*\d{1,9})*\s*\]", text):
        return None
    return tuple(map(int, text[1:-1].split(",")))


def text_of(numbers: Sequence[int]) -> str:
    """The text of a listed setting: (8, 16) -> "[8,16]", as it is typed."""
    return f"[{','.join(map(str, numbers))}]"
