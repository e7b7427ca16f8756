"""Submits packs as arrays of jobs, follows their messages, and submits lost packs again.

A driver may end at any moment and another one continues its work: its whole state is in the folders of its submissions
and in SLURM's queue. A driver holds the sweep's lock, so there is only one at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from time import monotonic, sleep

import numpy as np

from workbench.engine.errors import BadInput
from workbench.quantities import counted
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.array import SubmittedJob
from workbench.sweep.execution.cluster.lost_jobs import PackLosses, after_loss, after_missing_result, may_be_heard
from workbench.sweep.execution.cluster.submission import Submission
from workbench.sweep.execution.executor import Detached, ExecutionContext
from workbench.sweep.execution.log import say
from workbench.sweep.execution.messages import Message, Messages, PackDone, PackStarted
from workbench.sweep.execution.outcome import outcome_of
from workbench.sweep.planning.packs import PlannedPack

Submit = Callable[[Submission, list[list[PlannedPack]]], list[str]]
_LOGS_SECONDS, _LOGS_SECONDS_A_JOB = 0.2, 0.002  # between two looks at the jobs' messages
_QUEUE_SECONDS, _MOST_QUEUE_SECONDS, _SLOWER = 1.0, 15.0, 1.25  # between looks at the queue, if nothing changes
_LARGEST_ARRAY = 1000  # jobs: SLURM's own default
_LAST_SECONDS = 30.0  # that finished jobs get to leave the queue
_ABSENT_LOOKS = 2  # at the queue without a job before it counts as lost: its last message may be late
_SILENT_SECONDS = 30.0  # without an answer of the controller before that is reported
_SILENT = "  SLURM does not answer; jobs go on, and Workbench keeps asking"
# SLURM's reasons why a job can never begin, however long it waits.
_HOPELESS = ("BadConstraints", "InvalidAccount", "InvalidQOS", "DependencyNeverSatisfied")


class Driver:
    """Drives the jobs of one sweep. `bundles` distributes packs over jobs; `submit` submits an array and returns the
    numbers of its jobs.
    """

    def __init__(
        self,
        context: ExecutionContext,
        bundles: Callable[[Sequence[PlannedPack]], list[list[PlannedPack]]],
        submit: Submit,
    ) -> None:
        self._context, self._bundles, self._submit_array = context, bundles, submit
        self._sweep = context.checkpoints.folder.absolute()
        self._jobs: list[SubmittedJob] = []
        self._again: list[PlannedPack] = []  # to be submitted again
        self._losses = PackLosses(context.checkpoints)
        self._looked, self._answered, self._between = 0.0, monotonic(), _QUEUE_SECONDS
        self._queue: list[slurm_queue.QueuedJob] = []
        self._over: list[Submission] = []  # finished, though jobs of them may still be in the queue
        self._said: set[str] = set()
        self._is_stopping = False

    def train(self, packs: Sequence[PlannedPack]) -> Messages:
        """See the contract, `PackExecutor.train`."""
        try:
            yield from self._adopt(packs)
            self._submit((yield from self._finished(self._uncovered(packs))), first=True)
            if self._context.detach:
                yield from self._leave()
            yield from self._follow()
        except GeneratorExit:
            self._stop()
            for _ in self._until_gone():
                pass
            raise
        finally:
            self._delete_what_is_over()

    def _follow(self) -> Messages:
        while (self._jobs or self._again) and not self._context.stop():
            yield from self._news()
            again, self._again = self._again, []
            self._submit(again)
            if self._jobs or self._again:
                sleep(max(_LOGS_SECONDS, _LOGS_SECONDS_A_JOB * len(self._jobs)))
        if self._context.stop():
            self._stop()
            yield from self._until_gone()
            raise KeyboardInterrupt

    # Jobs of earlier commands

    def _adopt(self, packs: Sequence[PlannedPack]) -> Messages:
        """Take over the jobs that are in the queue, and the results of jobs that have ended."""
        wanted = {mark for pack in packs for mark in pack.fingerprints}
        for submission in Submission.all_of(self._sweep):
            try:
                bundles, _ = submission.read()
            except Exception:  # incomplete after a kill, or of another version: any error may follow
                self._withdraw(submission)
                continue
            if len(submission.numbers()) != len(bundles):
                self._withdraw(submission)
                continue
            self._jobs += SubmittedJob.all_of(submission, bundles, self._context.checkpoints)
        self._look(wait=True)
        for job in self._jobs:
            for message in job.catch_up():
                planned = job.bundle.known[message.pack]
                if not wanted.isdisjoint(planned.fingerprints):
                    yield message
        self._let_go(wanted)

    def _withdraw(self, submission: Submission) -> None:
        """Cancel a submission that its command did not complete, since it is unknown which of its jobs can begin."""
        while (found := slurm_queue.jobs_of([submission.token])) != []:
            if found is None and monotonic() - self._answered > _SILENT_SECONDS:
                self._say_once(_SILENT)
            slurm_queue.cancel([submission.token])
            sleep(_LOGS_SECONDS)
        submission.delete()

    def _let_go(self, wanted: set[str]) -> None:
        """Do not touch jobs that train runs which are not asked for; print how to cancel them."""
        strangers = [
            job for job in self._jobs if all(wanted.isdisjoint(pack.fingerprints) for pack in job.bundle.known.values())
        ]
        self._jobs = [job for job in self._jobs if job not in strangers]
        running = [job for job in strangers if job.queued]
        if running:
            names = ",".join(dict.fromkeys(job.submission.token for job in running))
            say(f"  {counted(len(running), 'job')} train runs that are not asked for; scancel --name={names} ends them")
        busy = {job.submission for job in (*self._jobs, *running)}
        for submission in {job.submission for job in strangers} - busy:
            submission.delete()

    def _uncovered(self, packs: Sequence[PlannedPack]) -> list[PlannedPack]:
        """The packs, and parts of packs, that no job in the queue trains and no job has trained."""
        covered = {mark for job in self._jobs for pack in job.bundle.known.values() for mark in pack.fingerprints}
        parts = []
        for pack in packs:
            rows = np.array([row for row, mark in enumerate(pack.fingerprints) if mark not in covered], int)
            if len(rows):
                parts.append(pack if len(rows) == pack.pack.runs else pack.take(rows))
        return parts

    def _finished(self, packs: Sequence[PlannedPack]) -> Generator[Message, None, list[PlannedPack]]:
        """Report packs whose last checkpoint holds their result, so that they need no job. Returns the other packs."""
        others = []
        for pack in packs:
            if reached := self._context.checkpoints.result(pack):
                yield PackStarted.of(pack)
                yield PackDone.of(outcome_of(pack, reached, None))
            else:
                others.append(pack)
        return others

    def _submit(self, packs: Sequence[PlannedPack], first: bool = False) -> None:
        """Submit packs. If the folder takes no description of jobs, they wait; the `first` ones raise BadInput."""
        if not packs:
            return
        bundles = self._bundles(packs)
        for first_of_part in range(0, len(bundles), _LARGEST_ARRAY):
            part = bundles[first_of_part : first_of_part + _LARGEST_ARRAY]
            try:
                submission = Submission.new(self._sweep, part, self._context)
            except OSError as error:
                what = f"{self._sweep} cannot be written to ({error.strerror}), where jobs are described"
                if first and not self._jobs:
                    raise BadInput(f"slurm: {what}") from None
                self._say_once(f"  {what}; Workbench keeps trying, and submits what is left as soon as it can")
                self._again += [pack for bundle in bundles[first_of_part:] for pack in bundle]
                return
            try:
                submission.accept(self._submit_array(submission, part))
            except BaseException:
                submission.delete()
                raise
            self._jobs += SubmittedJob.all_of(submission, part, self._context.checkpoints)
        self._looked, self._between = monotonic(), _QUEUE_SECONDS  # new jobs may appear in the queue later

    def _leave(self) -> Messages:
        """Print which jobs run and which wait, and end."""
        self._look(wait=True)
        yield from self._news()
        self._submit(self._again)
        if self._jobs:
            states = Counter("waiting" if not job.queued or job.queued.waits else "running" for job in self._jobs)
            parts = [f"{count} {state}" for state, count in states.items()]
            packs = sum(len(job.bundle.left) for job in self._jobs)
            say(f"  {counted(len(self._jobs), 'job')} with {counted(packs, 'pack')}: {', '.join(parts)}; the same "
                "command collects what has ended, and without detach=true it waits")  # fmt: skip
            raise Detached

    # While jobs run

    def _news(self) -> Messages:
        self._look()
        for job in list(self._jobs):
            yield from job.news()
            for lost in job.lost:
                self._again += yield from after_missing_result(lost, job, self._losses)
            job.lost = []
            if job.bundle.over and not job.late:
                self._jobs.remove(job)
                self._again += job.bundle.left  # of which a damaged file does not tell
            elif job.queued is None and job.absent >= _ABSENT_LOOKS and not job.late:
                yield from job.news()
                if job.bundle.over or job.late or may_be_heard(job):
                    continue
                self._jobs.remove(job)
                self._again += yield from after_loss(job, self._losses, self._is_stopping)
            self._tidy(job.submission)

    def _look(self, wait: bool = False) -> None:
        """Find the jobs in the queue."""
        if not wait and monotonic() - self._looked < self._between:
            return
        self._looked = monotonic()
        tokens = list(dict.fromkeys(job.submission.token for job in self._jobs))
        while (found := slurm_queue.jobs_of(tokens)) is None:
            if monotonic() - self._answered > _SILENT_SECONDS:
                self._say_once(_SILENT)
            if not wait:
                return
            sleep(_QUEUE_SECONDS)
        self._answered = monotonic()
        same = found == self._queue
        self._queue, self._between = (
            found,
            min(self._between * _SLOWER, _MOST_QUEUE_SECONDS) if same else _QUEUE_SECONDS,
        )
        by_place = {(job.token, job.place): job for job in found}
        for job in self._jobs:
            job.queued = by_place.get((job.submission.token, job.place))
            job.absent = 0 if job.queued else job.absent + 1
        self._on_waiting()

    def _on_waiting(self) -> None:
        """Print why jobs wait, each reason once, and cancel jobs that can never begin."""
        reasons: dict[str, list[SubmittedJob]] = {}
        for job in self._jobs:
            if job.queued and job.queued.waits and job.queued.reason not in ("None", "Priority", "Resources"):
                reasons.setdefault(job.queued.reason, []).append(job)
        for reason, jobs in reasons.items():
            if reason.split(":")[0] in _HOPELESS:
                for job in jobs:
                    job.hopeless = reason
                slurm_queue.cancel(list({job.submission.token for job in jobs}), "--state=PENDING")
            elif reason not in ("JobArrayTaskLimit", "BeginTime", "Dependency"):
                self._say_once(f"  {_named(jobs)} in the queue, SLURM says: {reason}{_what_helps(reason, jobs)}")

    # The end

    def _stop(self) -> None:
        """Cancel waiting jobs, and have running ones stop after their epoch, with a checkpoint."""
        self._is_stopping, self._between = True, _QUEUE_SECONDS
        for submission in {job.submission for job in self._jobs}:
            submission.ask_to_stop()
        tokens = list({job.submission.token for job in self._jobs})
        slurm_queue.cancel(tokens, "--state=PENDING")
        slurm_queue.cancel(tokens, "--signal=USR1")

    def _until_gone(self) -> Iterator[Message]:
        while self._jobs:
            self._look()
            for job in list(self._jobs):
                yield from job.news()
                if job.bundle.over or (job.queued is None and job.absent >= 1):
                    yield from job.news()
                    self._jobs.remove(job)
                self._tidy(job.submission)
            if self._jobs:
                sleep(_LOGS_SECONDS)

    def _tidy(self, submission: Submission) -> None:
        if all(job.submission != submission for job in self._jobs):
            self._over.append(submission)

    def _delete_what_is_over(self) -> None:
        """Delete the folders of finished submissions whose jobs have left the queue: a job without its folder fails."""
        began = monotonic()
        while slurm_queue.jobs_of([one.token for one in self._over]) and monotonic() - began < _LAST_SECONDS:
            sleep(_LOGS_SECONDS)
        for submission in self._over:
            submission.delete()

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            say(line)


def _what_helps(reason: str, jobs: Sequence[SubmittedJob]) -> str:
    """What lets held jobs begin; "" if they wait for something else. SLURM names a hold with and without blanks."""
    if "held" not in reason.lower():
        return ""
    who = "your cluster's administrators type" if reason.startswith("JobHeldAdmin") else "you type"
    numbers = dict.fromkeys(job.number.partition("_")[0] for job in jobs)  # a whole array has one number
    return f"; it waits until {who}: scontrol release {','.join(numbers)}"


def _named(jobs: Sequence[SubmittedJob]) -> str:
    """Like "job 12_0 waits" or "job 12_0 and 3 others wait"."""
    others = f" and {counted(len(jobs) - 1, 'other')} wait" if len(jobs) > 1 else " waits"
    return f"job {jobs[0].number}{others}"
