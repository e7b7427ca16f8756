"""Who trains the packs of a plan. Each executor yields an outcome per pack, in the order in which packs end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from workbench.sweep.execution.log import say
from workbench.sweep.execution.pack_training import PackOutcome, Sitting, train_pack
from workbench.sweep.execution.processes import processes
from workbench.sweep.planning.packs import PlannedPack

Executor = Callable[[Sequence[PlannedPack], Sitting], Iterator[PackOutcome]]


def inline(packs: Sequence[PlannedPack], sitting: Sitting) -> Iterator[PackOutcome]:
    """One pack after the other in this process, the runs of each shared out over workers."""
    queue, watcher = deque(packs), sitting.watcher
    while queue:
        planned = queue.popleft()
        watcher.pack_started(planned.label, planned.pack.runs, planned.epochs, planned.cost)
        outcome = train_pack(planned, sitting)
        if halves := outcome.halves():
            watcher.pack_given_up()
            say(outcome.retried)
            queue.extendleft(reversed(halves))
            continue
        watcher.pack_done(failed=outcome.failed)
        yield outcome


EXECUTORS: dict[str, Executor] = {"inline": inline, "processes": processes}
