"""Why a job was lost, in one line, and whose fault that was: the machine's, or that of the packs it trained."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.engine.errors import BadInput
from workbench.engine.training.workers import WorkerDied
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.array import SubmittedJob

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
