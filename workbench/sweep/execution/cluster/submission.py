"""The folder of a submission, `sweeps/NAME/jobs/TOKEN/`: an array of jobs, the packs of each, and their messages.

The folder is written before the jobs are submitted, and its token is their name. So a later command finds the jobs in
the queue, at whatever moment the command that submitted them ended.
"""

from __future__ import annotations

import json
import pickle
import secrets
import shutil
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import cast

from workbench import files
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.message_log import Entry, JobBegan, JobOver
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.messages import PackDone, PackRetried, PackStarted, PackStopped
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.planning.packs import PlannedPack

JOBS = "jobs"  # in the folder of a sweep
_ACCEPTED = "accepted.json"
_LONGEST_STEM = 40  # characters of the sweep's name in the name of its jobs


@dataclass(frozen=True)
class Submission:
    """One submission by its folder."""

    folder: Path

    @classmethod
    def new(cls, sweep: Path, bundles: Sequence[Sequence[PlannedPack]], context: ExecutionContext) -> Submission:
        """Write the folder of a new submission, or leave none; `bundles` are the packs of each job."""
        token = f"{sweep.name[:_LONGEST_STEM]}-{secrets.token_hex(4)}".replace(" ", "-").replace(",", "-")
        made = cls(sweep / JOBS / token)
        plain = replace(context, stop=never)
        try:
            made.output.mkdir(parents=True)
            for job in range(len(bundles)):  # else a network disk remembers for a minute that they are not there
                made.log_of(job).touch()
            _keep(made.folder / "packs.pickle", (bundles, plain))
        except OSError:
            made.delete()
            raise
        return made

    @classmethod
    def all_of(cls, sweep: Path) -> list[Submission]:
        """The submissions of a sweep that are not yet collected."""
        return [cls(folder) for folder in sorted((sweep / JOBS).glob("*")) if folder.is_dir()]

    @property
    def token(self) -> str:
        """The name of its jobs."""
        return self.folder.name

    def read(self) -> tuple[list[list[PlannedPack]], ExecutionContext]:
        """The packs of each job, and the context of their training. A damaged file raises an error of any type."""
        kept = _kept(self.folder / "packs.pickle")
        bundles, context = cast(tuple[list[list[PlannedPack]], ExecutionContext], kept)
        return bundles, context

    def log_of(self, job: int) -> Path:
        """The messages of a job, by its number in the array."""
        return self.folder / f"{job}.jsonl"

    @property
    def output(self) -> Path:
        """The folder of the jobs' output, and of submitit's own files."""
        return self.folder / "log"

    def accept(self, numbers: Sequence[str]) -> None:
        """Store the numbers of the jobs: every job is submitted."""
        files.write(self.folder / _ACCEPTED, json.dumps(numbers))

    def numbers(self) -> list[str]:
        """The numbers of its jobs; none if a command ended while it was submitting them, or the file is damaged."""
        try:
            found = json.loads((self.folder / _ACCEPTED).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return []
        return [str(number) for number in found] if isinstance(found, list) else []

    def ask_to_stop(self) -> None:
        """Ask every job to stop after its epoch."""
        with suppress(OSError):
            files.write(self.folder / "stop", "")

    @property
    def is_to_stop(self) -> bool:
        """Whether the jobs are to stop: they were asked to, or their folder was deleted."""
        return (self.folder / "stop").exists() or not self.folder.exists()

    def keep_failed(self, outcome: PackOutcome) -> None:
        """Store the outcome of a failed pack. The result of any other pack is its checkpoint."""
        with suppress(OSError):
            _keep(self._failed(outcome.planned), outcome)

    def failed(self, planned: PlannedPack) -> PackOutcome | None:
        """The outcome of a failed pack; None if it could not be stored."""
        try:
            outcome = cast(PackOutcome, _kept(self._failed(planned)))
        except Exception:  # whatever a damaged file leads to
            return None
        return outcome

    def delete(self) -> None:
        """Delete the folder, when no job of it runs and all results are collected."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()  # if this was the last submission

    def _failed(self, planned: PlannedPack) -> Path:
        return self.folder / f"{planned.digest}.failed"


def names_in_queue(sweep: Path) -> list[str]:
    """The names of a sweep's jobs in the queue; empty if this machine has no SLURM."""
    tokens = [submission.token for submission in Submission.all_of(sweep)]
    found = slurm_queue.jobs_of(tokens) if tokens and slurm_queue.is_here() else []
    return sorted({job.token for job in found or ()})


def _keep(file: Path, content: object) -> None:
    """Write what Python pickles, behind its digest: with a flipped bit it would be read, and be other numbers."""
    pickled = pickle.dumps(content)
    files.write(file, blake2b(pickled).digest() + pickled)


def _kept(file: Path) -> object:
    """What was kept. Raises ValueError if the file is not what was written."""
    content = file.read_bytes()
    size = blake2b().digest_size
    if blake2b(content[size:]).digest() != content[:size]:
        raise ValueError(f"{file} is not what was written")
    return pickle.loads(content[size:])


def never() -> bool:
    """Never stop: a job gets its requests by signals and files."""
    return False


class Bundle:
    """The packs of one job: those that wait, and the one in training, according to the job's messages.

    The job reads its own messages too when it begins again after a requeue.
    """

    def __init__(self, packs: Sequence[PlannedPack]) -> None:
        self.waiting = deque(packs)
        self.training: PlannedPack | None = None
        self.began: JobBegan | None = None
        self.over = False
        self.known = {pack.digest: pack for pack in packs}

    @property
    def left(self) -> list[PlannedPack]:
        """The packs that have not ended."""
        return [*([self.training] if self.training else []), *self.waiting]

    def follow(self, entry: Entry) -> PlannedPack | None:
        """Apply a message. Returns the pack whose training it interrupts, as the restart of a job does."""
        interrupted = None
        if not self.knows(entry):
            return None
        match entry:
            case JobBegan():
                self.began, interrupted = entry, self.training
                self._put_back()
            case JobOver():
                self.over = True
            case PackStarted():
                self.training = self._taken(entry.pack)
            case PackStopped():
                self._put_back()
            case PackDone():
                self._taken(entry.pack)
            case PackRetried():
                halves = self._taken(entry.pack).halves()
                self.known |= {half.digest: half for half in halves}
                self.waiting.extendleft(reversed(halves))
        return interrupted

    def knows(self, entry: Entry) -> bool:
        """Whether a message is of one of these packs, or of none; damage makes others."""
        return getattr(entry, "pack", None) in (None, *self.known)

    def _taken(self, digest: str) -> PlannedPack:
        """The pack of that digest, which no longer waits and is not in training."""
        self._put_back()
        self.waiting = deque(pack for pack in self.waiting if pack.digest != digest)
        return self.known[digest]

    def _put_back(self) -> None:
        if self.training:
            self.waiting.appendleft(self.training)
        self.training = None
