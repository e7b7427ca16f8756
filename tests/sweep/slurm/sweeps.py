"""The sweeps that are trained on a real SLURM, what is typed for them, and what can be seen of their jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.commands import Command
from tests.sweep.held_job import HELD_AFTER
from tests.waiting import CEILING
from workbench.sweep.execution.cluster import slurm_queue
from workbench.sweep.execution.cluster.message_log import EpochDone, LogReader
from workbench.tracking.read import load

TOY = [
    "data=blobs", "data.examples=120", "network.width=4,8", "training.epochs=8", "kernel=plain", "device=cpu",
    "seed=0,1", "name=toy", "checkpoint_seconds=0",
]  # fmt: skip
SLURM = ["executor=slurm", "workers=2", "slurm.cpus_per_task=1", "slurm.memory=0.8"]
HELD = [*SLURM, f"slurm.python={sys.executable} -m tests.sweep.held_job"]
FOR_EVER = ["data=blobs", "training.epochs=10000000", "kernel=plain", "device=cpu", "name=toy", *SLURM]
JOBS = Path("sweeps/toy/jobs")
LOG = Path("sweeps/toy/log.txt")


def digests() -> dict[str, str]:
    runs = load("toy").runs
    return dict(zip(runs["fingerprint"], runs["weights_digest"], strict=True))


def tokens() -> list[str]:
    """The names of the jobs that are not collected."""
    return sorted(folder.name for folder in JOBS.glob("*"))


def jobs() -> list[slurm_queue.QueuedJob]:
    return slurm_queue.jobs_of(tokens()) or []


def entries(kind: type) -> list[object]:
    """What the jobs have said so far."""
    return [entry for log in JOBS.glob("*/*.jsonl") for entry in LogReader(log).news() if isinstance(entry, kind)]


def held(count: int = 1) -> bool:
    """Whether so many packs wait at the gate."""
    return sum(entry.epoch == HELD_AFTER for entry in entries(EpochDone)) >= count  # type: ignore[attr-defined]


def ended(command: Command, status: int = 0) -> str:
    """What a command that ended so has said."""
    said = command.communicate()[1]
    assert command.wait(CEILING) == status, said
    return said


def slurm(*words: str) -> None:
    subprocess.run(words, check=True)


def logged(words: str) -> bool:
    """Whether the command has said so."""
    return LOG.exists() and words in LOG.read_text()
