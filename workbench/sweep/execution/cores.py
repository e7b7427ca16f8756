"""How many cores there are to train on: what this process may use, and what the container it is in allows it."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTAS = (  # files of a control group that hold microseconds of CPU time allowed, and the period they are for
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def cores() -> int:
    """Cores that this process may use, one at least."""
    return max(1, min([_of_the_machine(), *(_of_a_container(*files) for files in _QUOTAS)]))


def _of_the_machine() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # a system that has no such thing, or does not tell
        return os.cpu_count() or 1


def _of_a_container(*files: str) -> int:
    """The cores that a control group allows, begun ones counted whole; more than any machine has where it does not."""
    try:
        quota, period = " ".join(Path(file).read_text("ascii") for file in files).split()
        return math.ceil(int(quota) / int(period)) if int(quota) > 0 else 2**16
    except (OSError, ValueError, ZeroDivisionError):  # no such group; "max"
        return 2**16
