"""The number of cores to train on: those that this process may use, limited by its container."""

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
    except (AttributeError, OSError):  # not on every system
        return os.cpu_count() or 1


def _of_a_container(*files: str) -> int:
    """The cores that a control group allows, rounded up; more than any machine has if it sets no limit."""
    try:
        quota, period = " ".join(Path(file).read_text("ascii") for file in files).split()
        return math.ceil(int(quota) / int(period)) if int(quota) > 0 else 2**16
    except (OSError, ValueError, ZeroDivisionError):  # no such group; "max"
        return 2**16
