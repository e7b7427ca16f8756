"""Records packs and measurements in the store, beside the training of the next ones.

One writer, in a thread of its own. What the store does not take is kept as the pack's checkpoint, and the sweep goes
on: the same command records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from workbench.engine.errors import BadInput
from workbench.sweep.checkpoints import Checkpoints
from workbench.sweep.log import say
from workbench.sweep.measuring import Batch
from workbench.sweep.plan import PlannedCell
from workbench.sweep.results import batch_result, pack_result
from workbench.sweep.store import Store
from workbench.sweep.training import PackOutcome


class Recorder:
    """Takes outcomes as they come; leaving it waits until all are recorded, or have been tried once more.

    `unrecorded` are those that the store did not take.
    """

    def __init__(self, store: Store, cells: Sequence[PlannedCell], checkpoints: Checkpoints) -> None:
        self._store, self._cells, self._checkpoints = store, cells, checkpoints
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._pending: list[Future[None]] = []
        self.unrecorded: list[PackOutcome | Batch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wait()
        again, self.unrecorded = self.unrecorded, []
        for outcome in again:
            self.take(outcome)
        self.wait()
        self._thread.shutdown()

    def take(self, outcome: PackOutcome | Batch) -> None:
        """Record an outcome, soon."""
        self._pending.append(self._thread.submit(self._record, outcome))

    def wait(self) -> None:
        """Until everything taken was tried; what went wrong otherwise than in the store is raised here."""
        for future in self._pending:
            future.result()
        self._pending = []

    def _record(self, outcome: PackOutcome | Batch) -> None:
        result = batch_result if isinstance(outcome, Batch) else pack_result
        try:
            self._store.record(result(outcome, self._cells))  # type: ignore[arg-type]
        except BadInput as error:
            if not self.unrecorded:
                say(f"  {error}; the sweep goes on, and it is recorded later")
            self.unrecorded.append(outcome)
            return
        # A pack that failed goes on from its checkpoint when it is tried again.
        if isinstance(outcome, PackOutcome) and not outcome.failed:
            self._checkpoints.drop(outcome.planned)
