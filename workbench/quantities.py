"""Counts, durations and sizes in words. `space` is the character before a unit: pages pass a no-break space."""

from __future__ import annotations

import math


def counted(count: int, what: str, space: str = " ") -> str:
    """Like "1 run" or "12 runs"."""
    return f"{count:,}{space}{what}{'' if count == 1 else 's'}"


def duration(seconds: float, space: str = " ") -> str:
    """Seconds as a person says them, like "8.4 s", "3 min 5 s" or "2 h 10 min"; a dash if unknown."""
    if not math.isfinite(seconds):
        return "\u2013"
    if seconds < 59.95:
        return f"{seconds:.1f}{space}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{space}min {rest}{space}s"
    return f"{minutes // 60}{space}h {minutes % 60}{space}min"


def clock(seconds: float) -> str:
    """Seconds as a clock shows them, like "0:09" or "2:03:40", for times that are only expected."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def size(count: float) -> str:
    """Bytes, like "3.2 GiB"."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}" if count < 999.5 else f"{count:.0f} {unit}"  # .3g would give 1e+03
        count /= 1024
    return f"{count:,.1f} GiB"


def size_if_known(count: float | None) -> str:
    """Bytes, or that they are not known."""
    return "unknown" if count is None else size(count)
