"""What else a machine does while times are taken: the share of its processors that others use."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter, process_time

_COUNTERS = Path("/proc/stat")  # the first line: ticks of all processors by what they were used for
_IDLE = (3, 4)  # idle, and waiting for a disk
_OF_GUESTS = 8  # from here on: counted within user and nice already


class MachineLoad:
    """Watches from when it is made."""

    def __init__(self) -> None:
        self._before, self._own, self._started = _ticks(), process_time(), perf_counter()

    def of_others(self) -> float:
        """The share of all processors that other processes have used since then, 0 to 1; stolen time is others' too.

        Where the kernel keeps no such counters: the share of the time that this process was kept waiting.
        """
        own, passed = process_time() - self._own, perf_counter() - self._started
        now = _ticks()
        if not now or len(now) != len(self._before):
            return min(1.0, max(0.0, 1 - own / passed))
        spent = [after - before for after, before in zip(now, self._before, strict=True)]
        whole = sum(spent)
        busy = whole - sum(spent[place] for place in _IDLE)
        return min(1.0, max(0.0, (busy - own * os.sysconf("SC_CLK_TCK")) / whole)) if whole else 0.0


def _ticks() -> list[int]:
    """The counters; none where the kernel keeps none."""
    try:
        with _COUNTERS.open(encoding="ascii") as file:
            return [int(text) for text in file.readline().split()[1 : 1 + _OF_GUESTS]]
    except (OSError, ValueError):
        return []
