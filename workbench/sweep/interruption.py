"""Ctrl-C in two steps: the first lets the epoch in flight finish and be kept, the second quits at once.

SIGTERM does the same.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """While it is entered, takes note of SIGINT and SIGTERM instead of letting them strike anywhere."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._note)
            except ValueError:  # only the main thread may; elsewhere signals stay as they are
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("\nstopping after this epoch; once more stops at once", file=sys.stderr)
