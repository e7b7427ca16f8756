"""Waiting for what will come, however slow the machine is: never for a time."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep

CEILING = 900.0  # seconds after which it will not come any more


def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail where it never does."""
    began = monotonic()
    while not condition():
        assert monotonic() - began < CEILING, "what the test waits for does not come"
        sleep(0.02)
