"""A submitted array as the command sees it: the messages of its jobs, and the packs that are left of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from workbench.engine.training.workers import WorkerDied
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cluster.message_log import Entry, JobBegan, JobOver, LogReader
from workbench.sweep.execution.cluster.slurm_queue import Ending, QueuedJob
from workbench.sweep.execution.cluster.submission import Bundle, Submission
from workbench.sweep.execution.log import note, say, warn
from workbench.sweep.execution.messages import (
    EpochDone,
    Message,
    PackDone,
    PackResumed,
    PackStarted,
    PackStopped,
    PrintedLine,
)
from workbench.sweep.execution.outcome import outcome_of
from workbench.sweep.execution.unfinished import untouched
from workbench.sweep.planning.packs import PlannedPack

LATE_SECONDS = 90.0  # that what a job wrote may take to be seen here: network disks cache attributes for a minute


@dataclass(eq=False)
class SubmittedJob:
    """One job of an array. `queued` is its entry in SLURM's queue; None if the last `absent` looks found none.

    `gone` is when it was found to have left the queue before it was complete (None: it has not), by this machine's
    monotonic clock, and `ending` how it ended. `late` are its packs that have ended, though their result is not seen
    here yet, each with the moment at which it counts as missing.
    """

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
    late: list[tuple[PackDone, float]] = field(default_factory=list)
    gone: float | None = None
    ending: Ending | None = None

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
                    yield from self._collected(entry, monotonic() + LATE_SECONDS)
                case JobBegan():
                    self.number = entry.job
        if training := self.bundle.training:
            yield PackStarted.of(training)
            if (reached := resumed.get(training.digest)) and reached.epoch:
                yield reached

    def news(self) -> Iterator[Message]:
        """The messages of the job since the last look."""
        waiting, self.late = self.late, []
        for done, until in waiting:
            yield from self._collected(done, until)
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
                    yield from self._collected(entry, monotonic() + LATE_SECONDS)
                case JobOver():
                    pass
                case _:
                    yield entry

    def _unread(self) -> Iterator[Entry]:
        """The messages since the last look. Those of packs that nobody knows come from a damaged file."""
        return (entry for entry in self.reader.news() if self.bundle.knows(entry))

    def _collected(self, done: PackDone, until: float) -> Iterator[Message]:
        """The message of a pack that has ended, with its outcome. If its result does not appear by the moment `until`,
        it is trained again.
        """
        planned = self.bundle.known[done.pack]
        if reached := self.checkpoints.result(planned):
            yield PackDone.of(outcome_of(planned, reached, None))
        elif done.failed and (failed := self.submission.failed(planned)):
            yield PackDone.of(failed)
        elif monotonic() < until:
            self.late.append((done, until))
        elif done.failed:
            gone = WorkerDied("it failed, and its job could not keep the reason")
            yield PackDone.of(outcome_of(planned, untouched(planned), gone))
        else:
            self.lost.append(planned)
