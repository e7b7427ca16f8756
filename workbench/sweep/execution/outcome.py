"""The outcome of a pack."""

from __future__ import annotations

from dataclasses import dataclass
from time import time

from workbench.engine.errors import BadInput, in_one_line
from workbench.engine.training.epoch import RunEnd
from workbench.sweep.execution.history import Table
from workbench.sweep.execution.unfinished import Unfinished
from workbench.sweep.instruments import Measured
from workbench.sweep.planning.packs import PlannedPack


@dataclass(frozen=True)
class PackOutcome:
    """The outcome of a pack: the end of each run (None: it failed, for `reason`), histories, unix times.

    `analysed` holds the results of each run's analyses, None if there are none. `seconds` is the training time, without
    pauses. `divisible`: the failure may come from a single run or from the size of the pack, so it is tried again in
    halves. `processors` are those that trained it, in order.
    """

    planned: PlannedPack
    ends: list[RunEnd | None]
    reason: str
    epochs: Table
    layers: Table
    analysed: list[Measured | None]
    started: float
    ended: float
    seconds: float
    divisible: bool = False
    processors: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(end is None for end in self.ends)

    @property
    def reasons(self) -> dict[str, str]:
        """Why runs failed: fingerprint -> reason."""
        ends = zip(self.planned.fingerprints, self.ends, strict=True)
        return {mark: self.reason for mark, end in ends if end is None}

    def words(self) -> list[str]:
        """The outcome of every run that ended."""
        return [end.outcome for end in self.ends if end is not None]

    def halves(self) -> list[PlannedPack]:
        """The packs to try instead: none if it ended well, or if smaller packs would fail as well."""
        return self.planned.halves() if self.failed and self.divisible and self.planned.pack.runs > 1 else []


def outcome_of(planned: PlannedPack, reached: Unfinished, error: BaseException | None) -> PackOutcome:
    """The outcome of a pack that `error` ended early.

    What another machine has trained also ended by that machine's clock: an hour between two clocks is no hour of
    training. Where several trained it, it took at least the time of its training.
    """
    ended = reached.written if all(reached.ends) and reached.written else time()
    return PackOutcome(
        planned=planned,
        ends=reached.ends,
        reason=in_one_line(error) if error else "",
        epochs=reached.history.epochs(),
        layers=reached.history.layers(),
        analysed=reached.analysed,
        started=min(reached.started, ended - reached.seconds),
        ended=ended,
        seconds=reached.seconds,
        divisible=not isinstance(error, BadInput),
        processors=reached.processors,
    )
