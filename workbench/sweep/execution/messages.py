"""The messages of an executor: one for each event of a pack, and its outcome.

The same values pass through the pipe from a worker process, out of the executor and to the progress display. All except
an outcome are plain and small. `pack` is the digest of a pack.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from workbench.engine.training.epoch import Epoch
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.planning.packs import PlannedPack


@dataclass(frozen=True)
class PackStarted:
    """A pack of so many runs begins; its longest run has so many epochs. `cost` is in any unit, one for all packs."""

    pack: str
    label: str
    runs: int
    epochs: int
    cost: float

    @classmethod
    def of(cls, planned: PlannedPack) -> PackStarted:
        """The message that a planned pack begins."""
        return cls(planned.digest, planned.label, planned.pack.runs, planned.epochs, planned.cost)


@dataclass(frozen=True)
class PackResumed:
    """The pack continues after that epoch, from its checkpoint; `ended` of its runs had ended by then."""

    pack: str
    epoch: int
    ended: int


@dataclass(frozen=True)
class EpochDone:
    """The pack finished an epoch on `examples` examples, summed over its `runs` runs; some of these ended with it."""

    pack: str
    epoch: int
    runs: int
    ended: int = 0
    diverged: int = 0
    examples: int = 0

    @classmethod
    def of(cls, planned: PlannedPack, epoch: Epoch) -> EpochDone:
        """The message that an epoch of a planned pack is done."""
        diverged = sum(end.outcome == "diverged" for end in epoch.ended)
        return cls(planned.digest, epoch.number, len(epoch.runs), len(epoch.ended), diverged, epoch.examples)


@dataclass(frozen=True)
class PackRetried:
    """The pack failed, and its runs are to be trained in other packs or once more; `line` says why."""

    pack: str
    line: str


@dataclass(frozen=True)
class PackStopped:
    """The pack was stopped after an epoch; its checkpoint holds its progress."""

    pack: str


@dataclass(frozen=True)
class PackDone:
    """The pack is over, `failed` of its runs without a result. `outcome` is None only for measurements."""

    pack: str
    failed: int
    outcome: PackOutcome | None = None

    @classmethod
    def of(cls, outcome: PackOutcome) -> PackDone:
        """The message that a pack came to this outcome."""
        return cls(outcome.planned.digest, outcome.failed, outcome)


@dataclass(frozen=True)
class PrintedLine:
    """A line that a worker process wants printed. The main process prints it, so no executor yields it.

    `failure`: it is printed even with --quiet.
    """

    line: str
    failure: bool = False


@dataclass(frozen=True)
class TrainPack:
    """To a worker process: train this pack."""

    planned: PlannedPack


@dataclass(frozen=True)
class Stop:
    """To a worker process: stop after this epoch, with a checkpoint."""


Message = PackStarted | PackResumed | EpochDone | PackRetried | PackStopped | PackDone
Messages = Generator[Message, None, None]
FromWorker = PackResumed | EpochDone | PackStopped | PackDone | PrintedLine
ToWorker = TrainPack | Stop
