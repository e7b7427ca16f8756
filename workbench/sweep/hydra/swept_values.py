"""The values that an override sweeps over: each once, and none of them a range itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from workbench.config import SETTINGS
from workbench.engine.errors import BadInput
from workbench.sweep.hydra.internals import ChoiceSweep, Override, Sweep, converted, written
from workbench.untyped import HydraValue


def check_swept(override: Override) -> None:
    """Raise BadInput for a range within other values, which Hydra would take for a value, and for a value that stands
    twice: its runs would be trained once and counted twice.
    """
    if override.key_or_group == "sweep":
        return  # of several files a better word is said: one command is one sweep
    value = override.value()
    values = value.list if isinstance(value, ChoiceSweep) else [] if isinstance(value, Sweep) else [value]
    if any(isinstance(part, Sweep) for one in values for part in _parts(one)):
        raise BadInput(
            f"{override.input_line}: a range or choice within other values cannot be swept over; allowed: KEY=1,2,3 or "
            "KEY=range(start,stop,step)"
        )
    seen: set[object] = set()
    for one in values:
        mark = _compared(override.key_or_group, one)
        if mark in seen:
            raise BadInput(f"{override.input_line}: {written(one)} stands twice; allowed: each value once")
        seen.add(mark)


def _parts(value: HydraValue) -> Iterator[HydraValue]:
    """A value and all that it holds."""
    yield value
    held = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    for one in held:
        yield from _parts(one)


def _compared(key: str, value: HydraValue) -> object:
    """What makes a value the same as another one: 0.5 and 5e-1 are, unless they are texts, and 0 and 00 where a number
    is read.
    """
    plain = converted(value)
    kind = SETTINGS[key].kind if key in SETTINGS else None
    if isinstance(plain, str) and kind in (int, float):
        with suppress(ValueError):
            plain = float(plain)
    if isinstance(plain, int | float) and not isinstance(plain, bool) and kind is not str:
        return plain
    return plain if isinstance(plain, str) else written(value)
