"""How much memory is free on the host: of the machine, or of the container."""

from __future__ import annotations

from pathlib import Path

UNKNOWN_MEMORY = 8 * 2**30  # bytes assumed if the system reports none
_CGROUPS = (  # files of the limit, the usage and the statistics, and the entry there for reclaimable memory
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file",
    ),
)  # fmt: skip


def free_host_memory() -> int:
    """Bytes that this process may still allocate."""
    return min(_of_the_machine(), *(_of_a_container(*files) for files in _CGROUPS))


def _of_the_machine() -> int:
    available = _lines("/proc/meminfo").get("MemAvailable", "")
    return int(available.split()[0]) * 1024 if available else UNKNOWN_MEMORY


def _of_a_container(limit: str, usage: str, statistics: str, given_back: str) -> int:
    """The bytes that a control group still allows; if it sets no limit, more than any machine has."""
    try:
        allowed, used = Path(limit).read_text("ascii").strip(), int(Path(usage).read_text("ascii"))
        return 2**62 if allowed == "max" else int(allowed) - used + int(_lines(statistics).get(given_back, "0"))
    except (OSError, ValueError):
        return 2**62


def _lines(file: str) -> dict[str, str]:
    """A file of lines `name value` or `name: value`; nothing if there is none."""
    try:
        lines = Path(file).read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    return {name.rstrip(":"): value.strip() for name, _, value in (line.partition(" ") for line in lines)}
