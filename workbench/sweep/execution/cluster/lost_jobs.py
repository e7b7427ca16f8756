"""Why a job was lost, in one line, whether the machine or its packs were at fault, and what follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from workbench.engine.errors import BadInput
from workbench.engine.training.workers import WorkerDied
from workbench.sweep.execution.checkpoints import Checkpoints, untouched
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.array import SubmittedJob
from workbench.sweep.execution.executor import settled
from workbench.sweep.execution.log import counted, say
from workbench.sweep.execution.messages import Message, PackDone, PackRetried, PackStarted
from workbench.sweep.execution.outcome import outcome_of
from workbench.sweep.planning.packs import PlannedPack

# Endings that say nothing against the packs of a job, in SLURM's words and in ours.
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
_MOST_LOSSES = 3  # of a pack one after the other, though nothing seems wrong with it
_LONGEST_OUTPUT = 300  # characters of a job's last line


@dataclass(frozen=True)
class Loss:
    """A job that is gone; `hopeless`: it would not begin another time either."""

    words: str
    of_the_machine: bool
    hopeless: bool

    def error(self, divisible: bool) -> Exception:
        """What its packs failed of; `divisible`: halves may do better."""
        return WorkerDied(self.words) if divisible else BadInput(self.words)


def loss_of(job: SubmittedJob) -> Loss:
    """Why a job is gone that has not done everything."""
    name = f"job {job.number}"
    if job.hopeless:
        return Loss(f"{name} can never begin, SLURM says: {job.hopeless}", False, True)
    ending = slurm_queue.ending_of(job.number)
    if ending.state in _OF_THE_MACHINE:
        return Loss(f"{name} {_OF_THE_MACHINE[ending.state]}", True, False)
    if ending.state == _OUT_OF_MEMORY:
        return Loss(f"{name} ran out of memory ({ending}); more slurm.memory helps", False, False)
    if not job.bundle.began:
        return Loss(f"{name} never began ({ending}): {_last_words(job)}", False, True)
    return Loss(f"{name} was killed ({ending})", False, False)


def _last_words(job: SubmittedJob) -> str:
    """The last line that a job has printed."""
    for file in sorted(job.submission.output.glob(f"{job.number}_*.err")):
        lines = [line for line in file.read_text("utf-8", "replace").splitlines() if line.strip()]
        telling = [line for line in lines if not line.startswith("srun: error")] or lines  # which says the exit status
        if telling:
            return slurm_queue.in_words(telling[-1])[:_LONGEST_OUTPUT]
    return "it has printed nothing"


class PackLosses:
    """How often each pack was lost since it last came any further."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._losses: Counter[str] = Counter()
        self._reached: dict[str, int] = {}

    def count(self, planned: PlannedPack) -> int:
        """Count one more loss of a pack; how often it was lost by now."""
        reached = self._checkpoints.epoch_of(planned)
        if reached > self._reached.get(planned.digest, 0):
            self._losses[planned.digest] = 0
        self._reached[planned.digest] = reached
        self._losses[planned.digest] += 1
        return self._losses[planned.digest]


def after_loss(job: SubmittedJob, losses: PackLosses, is_stopping: bool) -> Generator[Message, None, list[PlannedPack]]:
    """What follows from a job that is gone without its last word: the packs that it had not trained are returned, to be
    submitted again, or they have failed. If the sweep is stopping, nothing is said of those that waited.
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


def _failed(pack: PlannedPack, loss: Loss) -> Iterator[Message]:
    yield PackStarted.of(pack)
    yield PackDone.of(outcome_of(pack, untouched(pack), loss.error(divisible=False)))


def _of_lost_pack(planned: PlannedPack, loss: Loss, losses: PackLosses) -> tuple[Message, list[PlannedPack]]:
    """The message of a pack that was in training, and what of it is submitted again."""
    times, runs = losses.count(planned), counted(planned.pack.runs, "run")
    once_more = times <= _MOST_LOSSES if loss.of_the_machine else planned.pack.runs == 1 and times == 1
    if once_more:
        retried = PackRetried(planned.digest, f"  {planned.label} ({runs}): {loss.words}; submitted again")
        return retried, [planned]
    return settled(outcome_of(planned, untouched(planned), loss.error(divisible=not loss.of_the_machine)))
