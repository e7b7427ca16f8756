"""How much memory there is to train in: what this machine, or the container it is, has free now."""

from __future__ import annotations

from pathlib import Path

UNKNOWN = 8 * 2**30  # bytes taken for granted where nothing says how many there are
PACKS_SHARE = 0.5  # of what is free, that packs are cut to: predictions are rough, and the store needs some too
_CGROUPS = (  # limit, usage, statistics and the name there of what the system would give back
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file",
    ),
)  # fmt: skip


def free_memory(device: str = "cpu") -> int:
    """Bytes free for training on a device, "cpu" or "cuda"."""
    if device == "cuda":
        import cupy

        return int(cupy.cuda.Device().mem_info[0])
    return min(_of_the_machine(), *(_of_a_container(*files) for files in _CGROUPS))


def _of_the_machine() -> int:
    available = _lines("/proc/meminfo").get("MemAvailable", "")
    return int(available.split()[0]) * 1024 if available else UNKNOWN


def _of_a_container(limit: str, usage: str, statistics: str, given_back: str) -> int:
    """What a control group still allows; far more than any machine has where it limits nothing."""
    try:
        allowed, used = Path(limit).read_text().strip(), int(Path(usage).read_text())
        return 2**62 if allowed == "max" else int(allowed) - used + int(_lines(statistics).get(given_back, "0"))
    except (OSError, ValueError):
        return 2**62


def _lines(file: str) -> dict[str, str]:
    """A file of lines `name value` or `name: value`; nothing where there is none."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return {}
    return {name.rstrip(":"): value.strip() for name, _, value in (line.partition(" ") for line in lines)}


def in_words(size: float) -> str:
    """Bytes as a person reads them, like "3.2 GiB"."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}" if size < 999.5 else f"{size:.0f} {unit}"  # .3g would give 1e+03
        size /= 1024
    return f"{size:,.1f} GiB"
