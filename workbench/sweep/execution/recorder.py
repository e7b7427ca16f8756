"""Records packs and measurements in the store while the next ones train.

One thread does all the writing. If the store does not accept a result, the pack's checkpoint keeps it, the sweep
continues, and the same command records it later. At the end the recorder checks what the store holds and records once
more what is missing. A checkpoint is deleted only when the store holds its runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from workbench.engine.errors import BadInput
from workbench.quantities import counted
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.log import say, warn
from workbench.sweep.execution.measuring import MeasuredBatch
from workbench.sweep.execution.outcome import PackOutcome, outcome_of
from workbench.sweep.execution.results import batch_result, pack_result
from workbench.sweep.planning.packs import PlannedPack
from workbench.sweep.planning.plan import PlannedCell
from workbench.sweep.store import PackResult, Store

Outcome = PackOutcome | MeasuredBatch | PackResult


class Recorder:
    """Records outcomes as they come. Leaving the context waits until all are recorded or were retried once.

    `unrecorded` are those that the store did not accept; `lost` are runs that it held and no longer holds.
    """

    def __init__(self, store: Store, cells: Sequence[PlannedCell], checkpoints: Checkpoints) -> None:
        self._store, self._cells, self._checkpoints = store, cells, checkpoints
        self._thread = ThreadPoolExecutor(1, "recorder")
        self._pending: list[Future[None]] = []
        self._taken: list[Outcome | PlannedPack] = []  # a pack whose result lies in its checkpoint without that result
        self._closing = (
            False  # after one failure at the end, the other outcomes are not tried: the sweep waits for this thread
        )
        self.unrecorded: list[Outcome] = []
        self.lost: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self.wait()
        self._try_again()
        self._verify()
        self._thread.shutdown()

    def take(self, outcome: Outcome) -> None:
        """Queue an outcome to be recorded."""
        self._pending.append(self._thread.submit(self._record, outcome))

    def wait(self) -> None:
        """Wait until every outcome was tried. Raises any error that did not come from the store."""
        for future in self._pending:
            future.result()
        self._pending = []

    def _record(self, outcome: Outcome) -> None:
        if self._closing and self.unrecorded:
            self.unrecorded.append(outcome)
            return
        try:
            self._store.record(self._result(outcome))
        except BadInput as error:
            if not self.unrecorded:
                say(f"  {error}; the sweep goes on, and it is recorded later")
            self.unrecorded.append(outcome)
            return
        self._taken.append(self._light(outcome))

    def _result(self, outcome: Outcome) -> PackResult:
        if isinstance(outcome, PackResult):
            return outcome
        if isinstance(outcome, MeasuredBatch):
            return batch_result(outcome, self._cells)
        return pack_result(outcome, self._cells)

    def _light(self, outcome: Outcome) -> Outcome | PlannedPack:
        """What to keep in memory of an outcome: only its pack, if a checkpoint holds the rest."""
        if isinstance(outcome, PackOutcome) and not outcome.failed and self._checkpoints.holds(outcome.planned):
            return outcome.planned
        return outcome

    def _full(self, taken: Outcome | PlannedPack) -> Outcome | None:
        """The whole outcome again; None if its checkpoint is gone."""
        if not isinstance(taken, PlannedPack):
            return taken
        reached = self._checkpoints.result(taken)
        return outcome_of(taken, reached, None) if reached else None

    def _try_again(self) -> None:
        again, self.unrecorded = self.unrecorded, []
        for outcome in again:
            self.take(outcome)
        self.wait()

    def _verify(self) -> None:
        """Check what the store holds: record once more what is missing, and delete the checkpoints of the rest."""
        try:
            verified = self._store.verified()
            if missing := verified.missing:
                lost = counted(len(missing), "run")
                warn(f"  the store does not hold {lost} that it held; recorded again from {self._checkpoints.folder}")
                for outcome in [self._full(one) for one in self._taken if missing & _fingerprints(one)]:
                    if outcome is not None:
                        self.take(outcome)
                self.wait()
                self._try_again()
                verified = self._store.verified()
        except BadInput as error:
            warn(f"  {error}; what was recorded could not be verified, so the checkpoints stay")
            return
        waiting = {mark for outcome in self.unrecorded for mark in _fingerprints(outcome)}
        self.lost = verified.missing - waiting
        self._checkpoints.drop_all_of(verified.held - waiting)


def _fingerprints(outcome: Outcome | PlannedPack) -> set[str]:
    if isinstance(outcome, MeasuredBatch | PackResult):
        return {run.fingerprint for run in outcome.runs}
    return set((outcome.planned if isinstance(outcome, PackOutcome) else outcome).fingerprints)
