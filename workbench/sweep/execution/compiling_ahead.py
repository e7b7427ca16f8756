"""What a device's kernels need is compiled while other packs train: seconds a pack, where training may take less.

A pack is compiled for as soon as one with the same data and rules begins. Packs whose data differ wait for their turn,
since only then are their shapes known without loading them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice

from workbench.data import RunData
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.rules.rule_files import install
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.planning.packs import PlannedPack

AHEAD = 64  # packs that are compiled for at most before the one at hand has trained


@contextmanager
def compiling_ahead(packs: Sequence[PlannedPack], context: ExecutionContext) -> Iterator[ExecutionContext]:
    """Within it, the context has packs of this sequence compiled for, the next ones first."""
    on_device = [planned for planned in packs if planned.pack.device != "cpu"]
    if not on_device:
        yield context
        return

    def begins(planned: PlannedPack, data: RunData) -> None:
        install(planned.pack.rules)
        following = (other for other in on_device[_place(planned, on_device) :] if _is_alike(other, planned))
        for other in islice(following, AHEAD):
            with suppress(Exception):  # whatever is wrong with a pack is said when it trains
                KERNELS[other.pack.kernel].ask_ahead(other.pack, data)

    try:
        yield replace(context, begins=begins)
    finally:
        from workbench.engine.kernels.cuda import modules  # late: a sweep on a CPU needs none of it

        modules.forget()


def _place(planned: PlannedPack, packs: Sequence[PlannedPack]) -> int:
    """Where the pack stands; a half of a pack is in none of them, and is not waited for."""
    return next((place for place, other in enumerate(packs) if other.digest == planned.digest), 0)


def _is_alike(one: PlannedPack, other: PlannedPack) -> bool:
    return one.examples.config == other.examples.config and one.pack.rules == other.pack.rules
