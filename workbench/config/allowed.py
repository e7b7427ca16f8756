"""The allowed values of a setting, in words, and checks against them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches

from workbench.config.setting import Setting, Value, integers

LARGEST_COUNT = 2**63 - 1  # arrays count no further, and a float may not hold more
_KIND_WORDS = {int: "an integer", float: "a number", str: "text", bool: "true or false"}


def allowed(setting: Setting) -> str:
    """What a setting may be, in words: 'a number, 0 <= x < 1'."""
    if names := setting.names():
        text = f"{'any of' if setting.several else 'one of'} {', '.join(names)}"
        text += " joined by +, or nothing" if setting.several else ""
    elif setting.listed:
        text = f"a list of integers, each {limits(setting)}, such as {setting.default or '[32,16]'}"
    else:
        text = ", ".join(part for part in (_KIND_WORDS[setting.kind], limits(setting)) if part)
    return f"{text}, or null" if setting.optional else text


def meant(found: str, names: Iterable[str]) -> str:
    """ "did you mean adam? " for a name that is nearly one of these; "" if it is like none."""
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(found.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]}? " if close else ""


def limits(setting: Setting) -> str:
    """The range of a number, in symbols: '0 <= x < 1', 'x >= 1'; empty if there is none."""
    below, above = "<" if setting.open_low else "<=", "<" if setting.open_high else "<="
    if setting.low is not None and setting.high is not None:
        return f"{_shown(setting.low)} {below} x {above} {_shown(setting.high)}"
    if setting.low is not None:
        return f"x {below.replace('<', '>')} {_shown(setting.low)}"
    return "" if setting.high is None else f"x {above} {_shown(setting.high)}"


def _shown(bound: float) -> str:
    """A bound as it may be typed: integers, such as the largest seed, keep every digit."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def within(setting: Setting, value: Value) -> bool:
    """Whether a value of the right type is one that the setting may have."""
    if names := setting.names():
        return set(str(value).split("+")) <= {*names, ""} if setting.several else value in names
    if setting.listed:
        return all(_in_range(setting, number) for number in integers(str(value)) or (math.nan,))
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    return _in_range(setting, value)


def too_large(value: object) -> bool:
    """Whether an integer has more digits than any setting takes."""
    return isinstance(value, int) and abs(value) > LARGEST_COUNT


def _in_range(setting: Setting, value: float) -> bool:
    if too_large(value) or not math.isfinite(value):
        return False
    above = setting.low is None or (value > setting.low if setting.open_low else value >= setting.low)
    below = setting.high is None or (value < setting.high if setting.open_high else value <= setting.high)
    return above and below
