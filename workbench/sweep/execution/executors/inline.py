"""Trains one pack after the other in this process. The workers share the runs of each pack."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from workbench.sweep.execution.compiling_ahead import compiling_ahead
from workbench.sweep.execution.executor import ExecutionContext, settled
from workbench.sweep.execution.messages import Messages, PackStarted
from workbench.sweep.execution.pack_training import train_pack
from workbench.sweep.planning.packs import PlannedPack


class Inline:
    """See the contract, `PackExecutor`."""

    summary = "this process trains one pack after the other, the runs of each shared out over workers"

    def packs_at_once(self, workers: int) -> int:  # noqa: ARG002
        """One, for any number of workers."""
        return 1

    def train(self, packs: Sequence[PlannedPack], context: ExecutionContext) -> Messages:
        """Train one pack after the other. Raises KeyboardInterrupt if it was asked to stop."""
        queue = deque(packs)
        with compiling_ahead(packs) as begins:
            while queue:
                planned = queue.popleft()
                yield PackStarted.of(planned)
                message, halves = settled((yield from train_pack(planned, context, begins)))
                queue.extendleft(reversed(halves))
                yield message


INLINE = {"inline": Inline()}
