"""The cores to train on: those that this process may use, limited by its container and its cluster's job."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

_NO_LIMIT = 2**16
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_QUOTAS = (  # files of a control group that hold microseconds of CPU time allowed, and the period they are for
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)
_at_most = _NO_LIMIT  # cores that this process leaves itself


def leave_others_all_but(count: int) -> None:
    """From now on `cores` is `count` at most: other processes of ours train beside this one.

    The process is kept to no cores of its own, so that the system can still balance what all of them do.
    """
    global _at_most
    _at_most = count


def cores() -> int:
    """Cores that this process may use, one at least."""
    quotas = (*_QUOTAS, *((f"{group}/cpu.max",) for group in _groups()))
    return max(1, min([_at_most, _of_the_machine(), _of_a_job(), *(_of_a_container(*files) for files in quotas)]))


def shares(count: int) -> list[frozenset[int]]:
    """The numbers of these cores in `count` shares of neighbours. No shares if there are fewer cores than that, or if
    the system does not say which ones a process may use.
    """
    try:
        allowed = sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on every system
        return []
    if min(len(allowed), cores()) < count:
        return []
    bounds = [len(allowed) * share // count for share in range(count + 1)]
    return [frozenset(allowed[first:last]) for first, last in pairwise(bounds)]


def keep_to(share: frozenset[int]) -> None:
    """Keep this process, and the threads that it begins from now on, to a share. An empty one means any core."""
    if share and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setaffinity(0, share)


def _of_the_machine() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on every system
        return os.cpu_count() or 1


def _of_a_job() -> int:
    """The cores that SLURM gives to a task; outside a job more than any machine has."""
    given = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return int(given) if given.isdigit() else _NO_LIMIT


def _groups() -> list[Path]:
    """The control groups of this process: its own and its ancestors, as SLURM nests them."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    named = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    group = _CONTROL_GROUPS / named
    return [folder for folder in (group, *group.parents) if _CONTROL_GROUPS in folder.parents]


def _of_a_container(*files: str) -> int:
    """The cores that a control group allows, rounded up; more than any machine has if it sets no limit."""
    try:
        quota, period = " ".join(Path(file).read_text("ascii") for file in files).split()
        return math.ceil(int(quota) / int(period)) if int(quota) > 0 else _NO_LIMIT
    except (OSError, ValueError, ZeroDivisionError):  # no such group; "max"
        return _NO_LIMIT
