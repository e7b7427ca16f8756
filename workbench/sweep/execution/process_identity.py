"""Which running system this is, and which of its processes: so that others can tell whether a holder still runs."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from pathlib import Path


def machine() -> str:
    """This running system and its process namespace, since a container has its own process ids; "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""


def this_process() -> str:
    """This process in words: its number, its machine, and since when, which is now."""
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}"


def start_time(pid: int) -> str:
    """The start time of a process in the system's unit; "" if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def still_runs(system: str, pid: int, born: str) -> bool | None:
    """Whether the process that had this start time runs; None if its `machine()` is another one, or unknown."""
    if not system or system != machine():
        return None
    return start_time(pid) == born
