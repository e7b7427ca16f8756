"""The memory available for training: what this machine or its container has free now."""

from __future__ import annotations

from workbench.engine.host_memory import free_host_memory

PACKS_SHARE = 0.5  # of what is free, that packs are cut to: predictions are rough, and the store needs some too


def free_memory(device: str = "cpu") -> int:
    """Bytes free for training on a device, "cpu" or "cuda"."""
    if device == "cuda":
        import cupy

        return int(cupy.cuda.Device().mem_info[0])
    return free_host_memory()
