"""`KEY=logspace(start,stop,count)`: values that lie evenly on a logarithmic scale, as 1e-4, 1e-3, 1e-2, 1e-1.

Hydra's grammar knows no such range, so it is written out as a list before Hydra reads it.
"""

from __future__ import annotations

import math
import re

from workbench.config import SETTINGS
from workbench.engine.errors import BadInput

DIGITS_OF_A_VALUE = 6  # of each value: round numbers stay round
MOST_VALUES = 10_000
_RANGE = re.compile(r"([^=]+)=\s*logspace\((.*)\)\s*", re.DOTALL)
RANGE_FORM = "logspace(start,stop,count), as logspace(1e-4,1e-1,7)"


def written_out(text: str) -> str:
    """An override with its logarithmic range as a list; any other as it is. Raises BadInput for a range that is none.

    Of a setting that takes integers the values are rounded to these. Every value stands there once.
    """
    found = _RANGE.fullmatch(text)
    if not found:
        return text
    key, parts = found[1].strip(), found[2].split(",")
    if len(parts) != 3:
        raise BadInput(f"{text:.200}: found {len(parts)} of start, stop and count; allowed: {RANGE_FORM}")
    values = _spaced(_end(text, "start", parts[0]), _end(text, "stop", parts[1]), _count(text, parts[2]))
    setting = SETTINGS.get(key.lstrip("+"))
    if setting is not None and setting.kind is int:
        shown = [str(round(value)) for value in values]
    else:
        shown = [repr(float(format(value, f".{DIGITS_OF_A_VALUE}g"))) for value in values]
    return f"{found[1]}={','.join(dict.fromkeys(shown))}"


def _spaced(start: float, stop: float, count: int) -> list[float]:
    """The values. Logarithms are taken of both ends apart: their quotient may be larger than any float."""
    first, step = math.log(start), (math.log(stop) - math.log(start)) / (count - 1)
    return [start, *(math.exp(first + step * place) for place in range(1, count - 1)), stop]


def _end(text: str, name: str, typed: str) -> float:
    try:
        value = float(typed)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise BadInput(f"{text:.200}: {name} is {typed.strip()!r:.80}; allowed: a number, x > 0, in {RANGE_FORM}")
    return value


def _count(text: str, typed: str) -> int:
    try:
        count = int(typed)
    except ValueError:
        count = 0
    if not 2 <= count <= MOST_VALUES:
        raise BadInput(
            f"{text:.200}: count is {typed.strip()!r:.80}; "
            f"allowed: an integer from 2 to {MOST_VALUES:,}, in {RANGE_FORM}"
        )
    return count
