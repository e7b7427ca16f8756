"""The plan of the remaining work of a sweep, given its store and its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.sweep.instruments import Instruments
from workbench.sweep.planning.devices import ALL_OF_IT, devices
from workbench.sweep.planning.free_memory import PACKS_SHARE, free_memory
from workbench.sweep.planning.identity import joint_digest
from workbench.sweep.planning.packs import COUNTED, MemoryBudget
from workbench.sweep.planning.plan import Plan, PlannedCell, plan
from workbench.sweep.store import Earlier, Store


def remaining(
    cells: Sequence[PlannedCell],
    store: Store | None,
    earlier: Earlier | None,
    checkpoints: Iterable[Sequence[str]],
    packs_at_once: int,
    instruments: Instruments,
    memory: int | None = None,
) -> Plan:
    """What is left to train and to measure, in packs sized for as many as train at once.

    `store` is None if nothing may be reused; `earlier` is the latest sweep of that name; `checkpoints` are the packs,
    as ordered fingerprints, that have one; `memory` is what each pack may use elsewhere, None if they train here.
    """
    marks = [cell.fingerprint for cell in cells if not instruments.is_timing(cell.cell.config.measure)]
    held = store.held(marks) if store else {}
    same = earlier is not None and earlier.digest == joint_digest(cell.fingerprint for cell in cells)
    kept = [*checkpoints, *(earlier.packs if earlier and same else ())]
    return plan(cells, held, _budget(cells, packs_at_once, memory), kept)


def _budget(cells: Sequence[PlannedCell], packs_at_once: int, memory: int | None) -> MemoryBudget:
    """The memory for packs: of a cluster's nodes, of this machine, or of devices, which train one pack each."""
    on_devices, elsewhere = all(cell.numbers["device"] != "cpu" for cell in cells), memory is not None
    if memory is not None and not (on_devices and devices()):
        return MemoryBudget(memory, packs_at_once, shared=False)
    if not on_devices:
        return MemoryBudget(free_memory(), packs_at_once)
    found = devices()  # a cluster's are taken to be like those here, as where a command is typed within `salloc`
    share = ALL_OF_IT if all(cell.numbers["kernel"] in COUNTED for cell in cells) else PACKS_SHARE
    at_once = packs_at_once if elsewhere else min(packs_at_once, len(found))
    return MemoryBudget(min(one.free for one in found), at_once, False, share)
