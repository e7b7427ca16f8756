"""The contract of an executor, which trains the packs of a plan.

An executor is one file in `executors/` and a row of `EXECUTORS` there. `tests/sweep/test_executors.py` tests every row
against each promise below; `docs/add-an-executor.md` shows a complete one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from workbench.config import SlurmConfig
from workbench.quantities import counted
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.messages import Message, Messages, PackDone, PackRetried
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.instruments import Instruments
from workbench.sweep.planning.packs import PlannedPack


@dataclass(frozen=True)
class ExecutionContext:
    """What an executor works with.

    `workers` is how many threads or processes may compute at a time, over all packs; `checkpoints` holds the results;
    `stop` returns whether to stop; `instruments` takes the analyses that runs ask for. `slurm` is what jobs of a
    cluster ask for, and `detach` whether such an executor ends once they are submitted. `besides` names analyses that
    every run is given though it asked for none: they are no part of what it is.
    """

    workers: int
    checkpoints: Checkpoints
    stop: Callable[[], bool] = lambda: False
    instruments: Instruments | None = None
    slurm: SlurmConfig = field(default_factory=SlurmConfig)
    detach: bool = False
    besides: str = ""


class Detached(Exception):
    """Raised by a cluster's executor that leaves packs to its jobs. The same command collects them later."""


@runtime_checkable
class PackExecutor(Protocol):
    """Trains planned packs. `summary` is one line about it for `list executors`."""

    summary: str

    def packs_at_once(self, workers: int) -> int:
        """How many packs it may train at a time with so many workers. These packs share the memory."""
        ...

    def train(self, packs: Sequence[PlannedPack], context: ExecutionContext) -> Messages:
        """Train every pack; yields the events of each, and its outcome in `PackDone`.

        - Packs come with the most costly first and are begun in that order.
        - Of each pack: `PackStarted`; `PackResumed` if its checkpoint was there; `EpochDone` for epoch 0 and every
          epoch; then `PackDone`, or `PackRetried` and the same again for the packs that take its place.
        - A pack that fails affects no other. It is retried in halves if that may help (`PackOutcome.halves`), and so
          is a pack whose worker was lost; a single run whose worker was lost is retried once.
        - No run is in two packs that train at the same time.
        - `context.stop` is called at least once an epoch. If it returns true, no further pack is begun, each one in
          training is stopped after its epoch with a checkpoint, and then KeyboardInterrupt is raised.
        - Closing the iterator after a `PackDone` stops the others in the same way.
        - The last checkpoint of a pack is its result. It lies in `context.checkpoints` before `PackDone` is yielded.
        """
        ...


@dataclass(frozen=True)
class Capacity:
    """What a cluster can take: so many jobs at a time, each with so many bytes of memory."""

    jobs: int
    memory: int


@dataclass(frozen=True)
class Forecast:
    """The predicted use of a cluster: how many jobs, and how many `at_a_time`; the cores, memory and time limit in
    `minutes` of each; `seconds` until all have ended, without the wait in the queue; and core-hours in total.
    """

    jobs: int
    at_a_time: int
    cores: int
    memory_bytes: int
    minutes: int
    seconds: float
    core_hours: float


@runtime_checkable
class ClusterExecutor(PackExecutor, Protocol):
    """An executor whose packs train on other machines and may continue after the command has ended."""

    def capacity(self, asked: SlurmConfig) -> Capacity:
        """The cluster's capacity for such jobs; a guess if there is no cluster here."""
        ...

    def check(self, packs: Sequence[PlannedPack], asked: SlurmConfig) -> None:
        """Raise BadInput, in the cluster's own words, if it would refuse the jobs of these packs."""
        ...

    def estimate(self, packs: Sequence[PlannedPack], asked: SlurmConfig, jobs: int) -> str:
        """How many jobs, so many at a time, and how long they take, for `dry_run=true`."""
        ...

    def forecast(self, packs: Sequence[PlannedPack], asked: SlurmConfig, jobs: int) -> Forecast:
        """The same in numbers."""
        ...


def settled(outcome: PackOutcome) -> tuple[Message, list[PlannedPack]]:
    """The message of an outcome, and the packs to be trained in its place: none if it stands."""
    planned, halves = outcome.planned, outcome.halves()
    if not halves:
        return PackDone.of(outcome), []
    about = f"  {planned.label} ({counted(planned.pack.runs, 'run')}): {outcome.reason}"
    return PackRetried(planned.digest, f"{about}; tried again in halves"), halves
