"""What a device's kernels need is compiled while other packs train: seconds a pack, where training may take less.

A pack is compiled for as soon as one with the same data and rules begins. Packs whose data differ wait for their turn,
since only then are their shapes known without loading them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

from workbench.data import RunData
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.rules.rule_files import install
from workbench.sweep.execution.cores import cores
from workbench.sweep.planning.packs import PlannedPack

PACKS_AHEAD = 64  # packs at most that are compiled for and have not begun
MOST_COMPILERS = 16  # of the compiler

Begins = Callable[[PlannedPack, RunData], None]  # is told of a pack, with its data, before it trains


def nothing(_planned: PlannedPack, _data: RunData) -> None:
    """Nobody asks which pack begins."""


@contextmanager
def compiling_ahead(packs: Sequence[PlannedPack]) -> Iterator[Begins]:
    """Within it, packs of this sequence are compiled for once one of them begins, the next ones first."""
    waiting = {planned.digest: planned for planned in packs if planned.pack.device != "cpu"}
    if not waiting:
        yield nothing
        return

    asked: set[str] = set()

    def begins(planned: PlannedPack, data: RunData) -> None:
        install(planned.pack.rules)
        asked.discard(planned.digest)
        alike = (other for other in waiting.values() if _is_alike(other, planned))
        for other in list(islice(alike, PACKS_AHEAD - len(asked))):
            del waiting[other.digest]
            asked.add(other.digest)
            with suppress(Exception):  # whatever is wrong with a pack is said when it trains
                KERNELS[other.pack.kernel].ask_ahead(other.pack, data)

    from workbench.engine.kernels.cuda import modules  # late: a sweep on a CPU needs none of it

    with modules.compiling_ahead(max(1, min(MOST_COMPILERS, cores() - 1))):  # the packs themselves need a core
        yield begins


def _is_alike(one: PlannedPack, other: PlannedPack) -> bool:
    return one.examples.config == other.examples.config and one.pack.rules == other.pack.rules
