"""What runs in a job: it trains the packs of its bundle one after the other, and writes all messages to a file.

USR2 is sent before the time limit: the job stops after the epoch with a checkpoint, and submitit requeues it. TERM is
sent before a preemption: the job writes a checkpoint after the epoch, and goes on until it is killed. USR1 is sent by
the command: the job stops after the epoch.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from workbench import blas
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cluster.compiling import compiled_by_one
from workbench.sweep.execution.cluster.message_log import JobBegan, JobOver, LogReader, MessageLog
from workbench.sweep.execution.cluster.submission import Bundle, Submission
from workbench.sweep.execution.conditions import numerics
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.executors.inline import Inline
from workbench.sweep.execution.log import redirect
from workbench.sweep.execution.messages import EpochDone, PackDone, PackStopped, PrintedLine
from workbench.sweep.planning.packs import PlannedPack

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

_ASK_SECONDS = 2.0  # how often a job looks for the file that asks it to stop


class TrainBundle:
    """The function that submitit calls in the job."""

    def __call__(self, folder: str, place: int) -> None:
        """Train the packs number `place` of the submission in this folder."""
        submission = Submission(Path(folder))
        if submission.is_to_stop:
            return
        requests = _Requests(submission)
        bundles, context = submission.read()
        requests.keep_by = context.checkpoints
        context.checkpoints.gives_up = requests.to_stop
        with blas.one_thread_here(), MessageLog(submission.log_of(place)) as log:
            over = _train(submission, place, bundles[place], context, requests, log)
        if requests.limit_is_near and not over:
            requests.requeue()

    def checkpoint(self, folder: str, place: int) -> DelayedSubmission:
        """What submitit calls when the job is requeued: the same call, which continues from the checkpoints."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, folder, place)


@dataclass
class _Requests:
    """What others ask of the job, by signals and by files."""

    submission: Submission
    limit_is_near: bool = False
    is_to_stop: bool = False
    keep_by: Checkpoints | None = None
    _looked: float = 0.0

    def __post_init__(self) -> None:
        self._requeue = signal.getsignal(signal.SIGUSR2)  # submitit's own
        signal.signal(signal.SIGUSR2, self._on_signal)
        signal.signal(signal.SIGUSR1, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def to_stop(self) -> bool:
        """Whether to stop after this epoch."""
        if not self.is_to_stop and monotonic() - self._looked > _ASK_SECONDS:
            self._looked = monotonic()
            self.is_to_stop = self.submission.is_to_stop
        return self.is_to_stop or self.limit_is_near

    def requeue(self) -> None:
        """Have submitit requeue the job, which ends it."""
        if callable(self._requeue):
            self._requeue(signal.SIGUSR2, None)

    def _on_signal(self, number: int, frame: object) -> None:  # noqa: ARG002
        if number == signal.SIGUSR2:
            self.limit_is_near = True
        elif number == signal.SIGUSR1:
            self.is_to_stop = True
        elif self.keep_by is not None:
            self.keep_by.keep_next()


def _train(
    submission: Submission,
    place: int,
    packs: list[PlannedPack],
    context: ExecutionContext,
    requests: _Requests,
    log: MessageLog,
) -> bool:
    """Train the packs of a bundle that are left. Returns whether it is complete."""
    bundle = Bundle(packs)
    for entry in LogReader(submission.log_of(place)).news():  # of earlier starts of this job
        bundle.follow(entry)
    number = os.environ.get("SLURM_ARRAY_JOB_ID", ""), os.environ.get("SLURM_ARRAY_TASK_ID", "")
    job = "_".join(part for part in number if part) or os.environ.get("SLURM_JOB_ID", "?")
    log.write(JobBegan(job, os.environ.get("SLURMD_NODENAME") or socket.gethostname(), cores(), numerics()))
    redirect(lambda line, failure: log.write(PrintedLine(line, failure)))
    context = replace(context, workers=cores(), stop=requests.to_stop)
    left, training, over = bundle.left, "", False
    compiles = any(pack.pack.kernel == "compiled" for pack in left)
    with compiled_by_one() if compiles else nullcontext(_nothing) as compiled:
        try:
            with closing(Inline().train(left, context)) as messages:
                for message in messages:
                    training = message.pack
                    if isinstance(message, PackDone) and message.failed and message.outcome:
                        submission.keep_failed(message.outcome)
                    log.write(message)
                    if isinstance(message, EpochDone) and message.epoch:
                        compiled()
            over = True
            log.write(JobOver())
        except KeyboardInterrupt:
            if training:
                log.write(PackStopped(training))
            if requests.limit_is_near:
                log.write(
                    PrintedLine(f"  job {job} reached its time limit; it is requeued, and goes on from its checkpoint")
                )
    return over


def _nothing() -> None:
    """Do nothing, since nothing was compiled."""
