"""What became of a pack."""

from __future__ import annotations

from dataclasses import dataclass
from time import time

from workbench.engine.errors import BadInput, in_one_line
from workbench.engine.training.epoch import RunEnd
from workbench.sweep.execution.checkpoints import Unfinished
from workbench.sweep.execution.history import Table
from workbench.sweep.measures import Measured
from workbench.sweep.planning.packs import PlannedPack


@dataclass(frozen=True)
class PackOutcome:
    """What became of a pack: how each run ended (None: it failed, for `reason`), histories, unix times.

    `analysed` holds what the analyses of each run found, None where there are none.
    `seconds` is how long it was trained, pauses left out. `divisible` says whether the failure may be of one run, or
    of there being too many of them: then the pack is worth another try in halves.
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

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(end is None for end in self.ends)

    @property
    def reasons(self) -> dict[str, str]:
        """Why runs failed: fingerprint -> reason."""
        ends = zip(self.planned.fingerprints, self.ends, strict=True)
        return {mark: self.reason for mark, end in ends if end is None}

    def halves(self) -> list[PlannedPack]:
        """The packs to be tried in its place: none where it came to an end, or no smaller pack can do better."""
        return self.planned.halves() if self.failed and self.divisible and self.planned.pack.runs > 1 else []


def outcome_of(planned: PlannedPack, reached: Unfinished, error: Exception | None) -> PackOutcome:
    """What a pack has come to, where `error` ended it before its time."""
    return PackOutcome(
        planned=planned,
        ends=reached.ends,
        reason=in_one_line(error) if error else "",
        epochs=reached.history.epochs(),
        layers=reached.history.layers(),
        analysed=reached.analysed,
        started=reached.started,
        ended=time(),
        seconds=reached.seconds,
        divisible=not isinstance(error, BadInput),
    )
