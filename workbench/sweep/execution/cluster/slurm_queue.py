"""SLURM's own commands: the jobs in the queue and why they wait, how a job ended, and the nodes.

`squeue` and `scontrol` suffice. Accounting (`sacct`) is often absent; it is used only for jobs that `scontrol` has
forgotten.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.engine.errors import BadInput

_PATIENCE = 60  # seconds to wait for an answer of the controller
_SEPARATOR = "|"


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue: the token of its submission, and its place in the array. `reason` is why it waits."""

    token: str
    place: int
    job: str
    state: str
    reason: str

    @property
    def waits(self) -> bool:
        """Whether it has not begun, or waits after a requeue."""
        return self.state == "PENDING"


@dataclass(frozen=True)
class Ending:
    """How a job ended, in SLURM's words: "TIMEOUT", "NODE_FAIL" ...; "" if SLURM has forgotten it."""

    state: str
    exit_code: str = ""

    def __str__(self) -> str:
        if not self.state:
            return "gone from the queue, and SLURM does not know any more how it ended"
        code = "" if self.exit_code in ("", "0:0") else f", exit {self.exit_code}"
        return f"{self.state}{code}"


@dataclass(frozen=True)
class Node:
    """A node of a partition: its cores, memory in MiB, time limit for jobs in minutes (None: no limit), and GPUs."""

    cores: int
    memory: int
    limit: int | None
    gpus: int = 0


def is_here() -> bool:
    """Whether this machine has SLURM's commands."""
    return shutil.which("sbatch") is not None


def jobs_of(tokens: Sequence[str]) -> list[QueuedJob] | None:
    """The jobs in the queue with one of these names; None if the controller does not answer."""
    if not tokens:
        return []
    answer = _ask("squeue", "--noheader", "--array", f"--name={','.join(tokens)}", "--format=%j|%i|%T|%r")
    if answer is None:
        return None
    found = []
    for line in answer.splitlines():
        token, job, state, reason = line.split(_SEPARATOR, 3)
        place = job.partition("_")[2]
        found.append(QueuedJob(token, int(place) if place.isdigit() else 0, job, state, reason))
    return found


def ending_of(job: str) -> Ending:
    """How a job ended that is no longer in the queue."""
    answer = _ask("scontrol", "--oneliner", "show", "job", job)
    facts = dict(word.partition("=")[::2] for word in (answer or "").split())
    if state := facts.get("JobState", ""):
        return Ending(state, facts.get("ExitCode", ""))
    answer = _ask("sacct", "--noheader", "--parsable2", "--allocations", "--format=State,ExitCode", f"--jobs={job}")
    state, _, code = (answer or "").partition("\n")[0].partition(_SEPARATOR)
    return Ending(state.split(" ")[0], code)  # "CANCELLED by 1000"


def cancel(tokens: Sequence[str], *options: str) -> None:
    """`scancel` of every job with one of these names."""
    for token in tokens:
        _ask("scancel", "--quiet", f"--name={token}", *options)


def nodes(partition: str | None) -> list[Node]:
    """The nodes of a partition (None: of the default one); none if there is no such partition, or no SLURM here."""
    answer = _ask("sinfo", "--noheader", "--Node", "--format=%P|%c|%m|%l|%G") if is_here() else None
    rows = [line.strip().split(_SEPARATOR) for line in (answer or "").splitlines()]
    mine = [row for row in rows if (row[0].rstrip("*") == partition if partition else row[0].endswith("*"))]
    return [
        Node(int(cores), int(memory.rstrip("+")), _minutes(limit), _gpus(further))
        for _, cores, memory, limit, further in mine
    ]


def refusal(script: str) -> str:
    """SLURM's own message if it would refuse a job; "" if it would accept it."""
    try:
        answer = subprocess.run(
            ["sbatch", "--test-only"], input=script, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"executor: sbatch does not answer ({error})") from None
    return in_words(answer.stderr) if answer.returncode else ""


def in_words(said: str) -> str:
    """An error message of SLURM's as one line, without the names of commands."""
    lines = [re.sub(r"^(\w+: )?(error|fatal): ", "", line.strip()) for line in said.splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line)) or "no reason was given"


def _ask(*command: str) -> str | None:
    """The output of a command; None if it fails, for instance since the controller is unreachable."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _gpus(further: str) -> int:
    """The GPUs among the further resources of a node, such as "gpu:a100:4(S:0-1),gpu:2,shard:8"."""
    return sum(int(count) for count in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", further))


def _minutes(limit: str) -> int | None:
    """The minutes of a time such as "1-02:03:04" or "10:00"; None for "infinite"."""
    days, _, clock = limit.rpartition("-")
    parts = clock.split(":")
    if not all(part.isdigit() for part in parts):
        return None
    hours, minutes, _ = [0] * (3 - len(parts)) + [int(part) for part in parts]
    return max(1, int(days or 0) * 1440 + hours * 60 + minutes)
