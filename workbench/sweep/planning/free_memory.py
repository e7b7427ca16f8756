"""The memory available for training: what this machine or its container has free now."""

from __future__ import annotations

from workbench.engine.host_memory import free_host_memory

PACKS_SHARE = 0.5  # share of free memory that packs may take: predictions are rough, and the store needs some too
_sharers = 1  # processes of ours that plan at the same time, this one included


def share_among(processes: int) -> None:
    """From now on so many processes plan at the same time, each for its share of what is free."""
    global _sharers
    _sharers = processes


def free_memory() -> int:
    """Bytes free for training on this machine's processors; `devices` says what its GPUs have."""
    return free_host_memory() // _sharers
