"""The plan of the remaining work of a sweep, given its store and its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.sweep.measures import Instruments
from workbench.sweep.planning.free_memory import free_memory
from workbench.sweep.planning.identity import joint_digest
from workbench.sweep.planning.packs import MemoryBudget
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
    """What is left to train and to measure, in packs of which so many train at once.

    `store` is None if nothing may be reused; `earlier` is the latest sweep of that name; `checkpoints` are the packs,
    as ordered fingerprints, that have one; `memory` is what each pack may use elsewhere, None if they train here.
    """
    marks = [cell.fingerprint for cell in cells if not instruments.is_timing(cell.cell.config.measure)]
    held = store.held(marks) if store else {}
    same = earlier is not None and earlier.digest == joint_digest(cell.fingerprint for cell in cells)
    devices = {str(cell.numbers["device"]) for cell in cells}
    free = memory or min(free_memory(device) for device in devices)
    kept = [*checkpoints, *(earlier.packs if earlier and same else ())]
    return plan(cells, held, MemoryBudget(free, packs_at_once, shared=memory is None), kept)
