"""A submitted array as the command sees it: the messages of its jobs, and the packs that are left of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workbench.engine.training.workers import WorkerDied
from workbench.sweep.execution.checkpoints import Checkpoints, untouched
from workbench.sweep.execution.cluster.message_log import Entry, JobBegan, JobOver, LogReader
from workbench.sweep.execution.cluster.slurm_queue import QueuedJob
from workbench.sweep.execution.cluster.submission import Bundle, Submission
from workbench.sweep.execution.log import note, say, warn
from workbench.sweep.execution.messages import (
    EpochDone,
    Message,
    PackDone,
    PackResumed,
    PackRetried,
    PackStarted,
    PackStopped,
    PrintedLine,
)
from workbench.sweep.execution.outcome import outcome_of
from workbench.sweep.planning.packs import PlannedPack


@dataclass(eq=False)
class SubmittedJob:
    """One job of an array. `queued` is its entry in SLURM's queue; None if the last `absent` looks found none."""

    submission: Submission
    place: int
    bundle: Bundle
    reader: LogReader
    checkpoints: Checkpoints
    number: str
    queued: QueuedJob | None = None
    absent: int = 0
    hopeless: str = ""  # SLURM's reason why it can never begin; "" if it can
    lost: list[PlannedPack] = field(default_factory=list)  # trained packs whose result is missing

    @classmethod
    def all_of(
        cls, submission: Submission, bundles: list[list[PlannedPack]], checkpoints: Checkpoints
    ) -> list[SubmittedJob]:
        """The jobs of a submission."""
        return [
            cls(submission, place, Bundle(packs), LogReader(submission.log_of(place)), checkpoints, number)
            for place, (packs, number) in enumerate(zip(bundles, submission.numbers(), strict=True))
        ]

    def catch_up(self) -> Iterator[Message]:
        """Messages for what jobs did before this command began: the present state, and the packs that are done."""
        resumed: dict[str, PackResumed] = {}
        for entry in self._unread():
            self.bundle.follow(entry)
            match entry:
                case PackStarted():
                    resumed.pop(entry.pack, None)
                case PackResumed():
                    resumed[entry.pack] = entry
                case EpochDone():
                    before = resumed[entry.pack].ended if entry.pack in resumed else 0
                    resumed[entry.pack] = PackResumed(entry.pack, entry.epoch, before + entry.ended)
                case PackDone():
                    yield PackStarted.of(self.bundle.known[entry.pack])
                    yield self._collected(entry)
                case JobBegan():
                    self.number = entry.job
        if training := self.bundle.training:
            yield PackStarted.of(training)
            if (reached := resumed.get(training.digest)) and reached.epoch:
                yield reached

    def news(self) -> Iterator[Message]:
        """The messages of the job since the last look."""
        for entry in self._unread():
            before = self.number
            if interrupted := self.bundle.follow(entry):
                yield PackStopped(interrupted.digest)
                say(f"  job {before} was begun anew, after a preemption or the loss of its node; it goes on")
            match entry:
                case JobBegan():
                    self.number = entry.job
                    note(f"job {entry.job} began on {entry.node} with {entry.cores} cores, {entry.numerics}")
                case PrintedLine():
                    print_line = warn if entry.failure else say
                    print_line(entry.line)
                case PackDone():
                    yield self._collected(entry)
                case JobOver():
                    pass
                case _:
                    yield entry

    def _unread(self) -> Iterator[Entry]:
        """The messages since the last look. Those of packs that nobody knows come from a damaged file."""
        return (entry for entry in self.reader.news() if self.bundle.knows(entry))

    def _collected(self, done: PackDone) -> Message:
        """The message of a pack that has ended, with its outcome. If its result is missing, it is trained again."""
        planned = self.bundle.known[done.pack]
        if reached := self.checkpoints.result(planned):
            return PackDone.of(outcome_of(planned, reached, None))
        if done.failed:
            gone = WorkerDied("it failed, and its job could not keep the reason")
            return PackDone.of(self.submission.failed(planned) or outcome_of(planned, untouched(planned), gone))
        self.lost.append(planned)
        return PackRetried(planned.digest, f"  {planned.label}: its job could not keep its result; trained again")
