"""MLflow's times, milliseconds since 1970; a store made by somebody else may hold anything in their place."""

from __future__ import annotations

from datetime import UTC, datetime

_LATEST = 253_402_300_799_000  # the last second of the year 9999, which is the last that a calendar here knows


def seconds(milliseconds: object) -> float:
    """The same in seconds; 0 for what is no time."""
    known = isinstance(milliseconds, int | float) and 0 < milliseconds <= _LATEST
    return milliseconds / 1000 if known else 0.0  # type: ignore[operator]


def iso(milliseconds: object) -> str:
    """As ISO 8601 in UTC; "" for what is no time."""
    found = seconds(milliseconds)
    return datetime.fromtimestamp(found, UTC).isoformat(timespec="seconds") if found else ""
