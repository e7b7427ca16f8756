"""The GPUs that this process may use: their names, their free memory, and the one that was chosen."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

from workbench.engine.backend import cuda_is_usable
from workbench.engine.errors import BadInput

VISIBLE = "CUDA_VISIBLE_DEVICES"  # CUDA's own variable: which devices a process sees, and in which order
ALL_OF_IT = 0.9  # share of a device's free memory that packs may take: it is predicted exactly, and theirs alone
_chosen: list[str] = []


@dataclass(frozen=True)
class Device:
    """A GPU: its name as VISIBLE takes it, and bytes free now."""

    name: str
    free: int


def devices() -> list[Device]:
    """The devices that this process sees, in CUDA's order; empty if none is usable."""
    if not cuda_is_usable():
        return []
    import cupy

    count = int(cupy.cuda.runtime.getDeviceCount())
    names = _names() or [str(place) for place in range(count)]
    return [Device(name, _free(place)) for place, name in enumerate(names[:count])]


def choose(asked: Collection[str]) -> None:
    """Make the device that `device=cuda:1` names the only one that this process and its children see.

    Raises BadInput if several are named, or another one than before: CUDA lists the devices only once.
    """
    numbered = sorted({device for device in asked if device.startswith("cuda:")})
    if not numbered:
        return
    if len(numbered) > 1 or {*asked} - {*numbered}:
        named = " and ".join(sorted(asked))
        raise BadInput(f"device: found {named}; allowed: one value with a number, or cuda with executor=processes, "
                       "which trains packs on every device")  # fmt: skip
    if _chosen and _chosen != numbered:
        raise BadInput(f"device: found {numbered[0]}, and this process has begun with {_chosen[0]}; start another one")
    if not _chosen:
        names, number = _names(), int(numbered[0].partition(":")[2])
        if names and number >= len(names):
            raise BadInput(f"device: found {numbered[0]}; {VISIBLE}={','.join(names)} leaves {len(names)} of them")
        os.environ[VISIBLE] = names[number] if names else str(number)
        _chosen.append(numbered[0])


def _names() -> list[str]:
    return [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]


def _free(place: int) -> int:
    import cupy

    with cupy.cuda.Device(place):
        return int(cupy.cuda.runtime.memGetInfo()[0])
