"""A clock that a test moves, in place of the machine's."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """Time that passes only while somebody pauses; `then` happens at every pause."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.now, self.then = 0.0, then

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.then()
