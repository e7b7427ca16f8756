"""Why a job was lost, in one line; whether the machine or its packs caused it; and what happens next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from workbench.engine.errors import BadInput
from workbench.engine.training.workers import WorkerDied
from workbench.quantities import counted
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.array import LATE_SECONDS, SubmittedJob
from workbench.sweep.execution.executor import settled
from workbench.sweep.execution.log import say
from workbench.sweep.execution.messages import Message, PackDone, PackRetried, PackStarted
from workbench.sweep.execution.outcome import outcome_of
from workbench.sweep.execution.unfinished import untouched
from workbench.sweep.planning.packs import PlannedPack

# Endings that the packs of a job did not cause: SLURM's word -> ours.
_OF_THE_MACHINE = {
    "": "is gone, and SLURM does not know how it ended",
    "TIMEOUT": "reached its time limit before it could stop; a longer slurm.time or slurm.warning_seconds helps",
    "CANCELLED": "was cancelled",
    "PREEMPTED": "was preempted",
    "NODE_FAIL": "lost its node",
    "BOOT_FAIL": "found its node unable to start",
    "REVOKED": "was taken away by another cluster",
    "DEADLINE": "came to its deadline",
    "COMPLETED": "ended without a word; is the sweep's folder on a disk that every node shares?",
}
_OUT_OF_MEMORY = "OUT_OF_MEMORY"
# The same where the kernel killed the step alone: SLURM then calls the job FAILED, and says so in the job's output.
_OOM_WORDS = ("Out Of Memory", "oom-kill", "oom_kill")
_MOST_LOSSES = 3  # in succession that a pack may have without being their cause
_LONGEST_OUTPUT = 300  # characters of a job's last line


@dataclass(frozen=True)
class Loss:
    """A lost job. `hopeless`: submitted again, it would not begin either."""

    words: str
    of_the_machine: bool
    hopeless: bool

    def error(self, divisible: bool) -> Exception:
        """The error of its packs; `divisible`: half a pack may succeed."""
        return WorkerDied(self.words) if divisible else BadInput(self.words)


def loss_of(job: SubmittedJob) -> Loss:
    """Why a job left the queue before it was complete."""
    name = f"job {job.number}"
    if job.hopeless:
        return Loss(f"{name} can never begin, SLURM says: {job.hopeless}", False, True)
    ending = job.ending or slurm_queue.ending_of(job.number)
    if ending.state in _OF_THE_MACHINE:
        return Loss(f"{name} {_OF_THE_MACHINE[ending.state]}", True, False)
    if ending.state == _OUT_OF_MEMORY or _was_out_of_memory(job):
        return Loss(f"{name} ran out of memory ({ending}); more slurm.memory helps", False, False)
    if not job.bundle.began:
        return Loss(f"{name} never began ({ending}): {_last_words(job)}", False, True)
    return Loss(f"{name} was killed ({ending})", False, False)


def may_be_heard(job: SubmittedJob) -> bool:
    """Whether a job that is gone may have written what is not seen here yet: it ended well without its last message, or
    nothing at all is seen of it. A network disk may show it a minute late.
    """
    if job.gone is None:
        job.gone, job.ending = monotonic(), slurm_queue.ending_of(job.number)
    state = job.ending.state if job.ending else ""
    silent = not job.bundle.began and state not in _OF_THE_MACHINE and not any(_printed(job))
    return not job.hopeless and (state == "COMPLETED" or silent) and monotonic() - job.gone < LATE_SECONDS


def _was_out_of_memory(job: SubmittedJob) -> bool:
    """Whether SLURM wrote to the job's output that the kernel killed a process of it for its memory."""
    lines = [line for printed in _printed(job) for line in printed if line.startswith(("srun: ", "slurmstepd"))]
    return any(words in line for line in lines for words in _OOM_WORDS)


def _printed(job: SubmittedJob) -> list[list[str]]:
    """The lines of each file of the job's output that are not empty; none of a file that cannot be read."""
    found = []
    for file in sorted(job.submission.output.glob(f"{job.number}_*.err")):
        with suppress(OSError):
            found.append([line for line in file.read_text("utf-8", "replace").splitlines() if line.strip()])
    return found


def _last_words(job: SubmittedJob) -> str:
    """The last line that a job printed."""
    for lines in _printed(job):
        telling = [line for line in lines if not line.startswith("srun: error")] or lines  # which give the exit status
        if telling:
            return slurm_queue.in_words(telling[-1])[:_LONGEST_OUTPUT]
    return "it has printed nothing"


class PackLosses:
    """How often each pack was lost since it last made progress."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._losses: Counter[str] = Counter()
        self._reached: dict[str, int] = {}

    def count(self, planned: PlannedPack) -> int:
        """Count one more loss of a pack. Returns the new count."""
        reached = self._checkpoints.epoch_of(planned)
        if reached > self._reached.get(planned.digest, 0):
            self._losses[planned.digest] = 0
        self._reached[planned.digest] = reached
        self._losses[planned.digest] += 1
        return self._losses[planned.digest]


def after_loss(job: SubmittedJob, losses: PackLosses, is_stopping: bool) -> Generator[Message, None, list[PlannedPack]]:
    """What follows from the loss of a job: it returns the untrained packs to be submitted again, and yields messages of
    the packs that have failed. If the sweep is stopping, there are no messages for packs that waited.
    """
    loss, again = loss_of(job), list[PlannedPack]()
    training, waiting = job.bundle.training, list(job.bundle.waiting)
    if training is None and not job.bundle.began and loss.hopeless:
        for pack in waiting:
            yield from _failed(pack, loss)
        return again
    if training is None and not is_stopping:
        say(f"  {loss.words}; {counted(len(waiting), 'pack')} submitted again")
    if training is not None:
        message, halves = _of_lost_pack(training, loss, losses)
        yield message
        again += halves
    for pack in waiting:
        if losses.count(pack) > _MOST_LOSSES:
            yield from _failed(pack, loss)
        else:
            again.append(pack)
    return again


def after_missing_result(
    planned: PlannedPack, job: SubmittedJob, losses: PackLosses
) -> Generator[Message, None, list[PlannedPack]]:
    """What follows if a job has trained a pack and its result is not there: the packs to submit again."""
    words = f"job {job.number} trained it and could not keep its result; is the disk full?"
    if losses.count(planned) > _MOST_LOSSES:
        yield PackDone.of(outcome_of(planned, untouched(planned), BadInput(words)))
        return []
    yield PackRetried(planned.digest, f"  {planned.label}: {words} trained again")
    return [planned]


def _failed(pack: PlannedPack, loss: Loss) -> Iterator[Message]:
    yield PackStarted.of(pack)
    yield PackDone.of(outcome_of(pack, untouched(pack), loss.error(divisible=False)))


def _of_lost_pack(planned: PlannedPack, loss: Loss, losses: PackLosses) -> tuple[Message, list[PlannedPack]]:
    """The message of the pack that was in training, and the parts of it to submit again."""
    times, runs = losses.count(planned), counted(planned.pack.runs, "run")
    once_more = times <= _MOST_LOSSES if loss.of_the_machine else planned.pack.runs == 1 and times == 1
    if once_more:
        retried = PackRetried(planned.digest, f"  {planned.label} ({runs}): {loss.words}; submitted again")
        return retried, [planned]
    return settled(outcome_of(planned, untouched(planned), loss.error(divisible=not loss.of_the_machine)))
