"""`KEY=logspace(start,stop,count)`: values that lie evenly on a logarithmic scale, as 1e-4, 1e-3, 1e-2, 1e-1.

Hydra's grammar knows no such range, so it is written out as a list before Hydra reads it.
"""

from __future__ import annotations

import re

from workbench.config import SETTINGS
from workbench.engine.errors import BadInput

DIGITS_OF_A_VALUE = 6  # of each value: round numbers stay round
MOST_VALUES = 10_000
_RANGE = re.compile(r"([^=]+)=\s*logspace\((.*)\)\s*", re.DOTALL)
ALLOWED = "allowed: logspace(start,stop,count), as logspace(1e-4,1e-1,7), with start and stop above 0, count from 2"


def written_out(text: str) -> str:
    """An override with its logarithmic range as a list; any other as it is. Raises BadInput for a range that is none.

    Of a setting that takes integers the values are rounded to these, each once.
    """
    found = _RANGE.fullmatch(text)
    if not found:
        return text
    key, inner = found[1].strip(), found[2]
    start, stop, count = _numbers(text, inner)
    ratio = (stop / start) ** (1 / (count - 1))
    values = [start * ratio**place for place in range(count - 1)] + [stop]
    setting = SETTINGS.get(key.lstrip("+"))
    if setting is not None and setting.kind is int:
        return f"{found[1]}={','.join(map(str, dict.fromkeys(map(round, values))))}"
    return f"{found[1]}={','.join(repr(float(format(value, f'.{DIGITS_OF_A_VALUE}g'))) for value in values)}"


def _numbers(text: str, inner: str) -> tuple[float, float, int]:
    parts = inner.split(",")
    try:
        start, stop, count = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        raise BadInput(f"{text:.200}: {ALLOWED}") from None
    if len(parts) != 3 or not 0 < start < float("inf") or not 0 < stop < float("inf") or not 2 <= count <= MOST_VALUES:
        raise BadInput(f"{text:.200}: {ALLOWED}")
    return start, stop, count
