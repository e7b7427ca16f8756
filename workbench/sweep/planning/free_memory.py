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


def in_words(size: float) -> str:
    """Bytes as a person reads them, like "3.2 GiB"."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.3g} {unit}" if size < 999.5 else f"{size:.0f} {unit}"  # .3g would give 1e+03
        size /= 1024
    return f"{size:,.1f} GiB"
