"""Trains and measures a planned sweep: displays the messages of its executor and records the outcomes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from time import monotonic

from workbench import blas
from workbench.config import SlurmConfig
from workbench.engine.errors import BadInput
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.cluster.submission import names_in_queue
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.displays import watcher
from workbench.sweep.execution.executor import (
    Capacity,
    ClusterExecutor,
    Detached,
    ExecutionContext,
    Forecast,
    PackExecutor,
)
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.expected_end import ExpectedEnd
from workbench.sweep.execution.failures import Ended
from workbench.sweep.execution.interruption import Interruption
from workbench.sweep.execution.measuring import BATCH_SECONDS, MeasuredBatch, measured
from workbench.sweep.execution.messages import Message, PackDone
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.execution.pack_training import try_own_analyses
from workbench.sweep.execution.recorder import Recorder
from workbench.sweep.execution.results import unfit_result
from workbench.sweep.execution.timing_process import TimingProcesses
from workbench.sweep.instruments import Instruments
from workbench.sweep.planning.plan import Plan
from workbench.sweep.planning.speed import Speeds
from workbench.sweep.run_outcomes import DIVERGED, FINISHED
from workbench.sweep.settings import SweepSettings
from workbench.sweep.store import Store

LOOKED_INTO = "answers"  # the analysis that a single run is given: its page shows what it confuses


Listener = Callable[[Message], None]


@dataclass(frozen=True)
class _Heard:
    """Who hears of each message: the display of progress, and whoever else listens."""

    display: Listener
    others: Sequence[Listener]

    def by_all(self, message: Message) -> None:
        """Tell each of them."""
        self.display(message)
        for other in self.others:
            other(message)


def _nobody(_: Message) -> None:
    """Listens to nothing."""


@dataclass(frozen=True)
class SweepTraining:
    """How a sweep is trained; `workers` as in `ExecutionContext`; `fail_fast`: stop at the first failure."""

    executor: PackExecutor
    workers: int
    checkpoints: Checkpoints
    instruments: Instruments
    fail_fast: bool = False
    capacity: Capacity | None = None
    slurm: SlurmConfig = field(default_factory=SlurmConfig)
    detach: bool = False

    @classmethod
    def of(cls, settings: SweepSettings, checkpoints: Checkpoints, instruments: Instruments) -> SweepTraining:
        """From the settings of the command; by default one worker for each core, or job that a cluster can take."""
        executor = EXECUTORS[settings.executor]
        on_cluster = isinstance(executor, ClusterExecutor)
        if settings.detach and not on_cluster:
            raise BadInput(f"detach is true, and executor is {settings.executor}; allowed with jobs of a cluster")
        capacity = executor.capacity(settings.slurm) if isinstance(executor, ClusterExecutor) else None
        workers = settings.workers or (capacity.jobs if capacity else cores())
        return cls(
            executor, workers, checkpoints, instruments, settings.fail_fast, capacity, settings.slurm, settings.detach
        )

    @property
    def memory(self) -> int | None:
        """Bytes that each pack may use elsewhere; None if packs train here."""
        return self.capacity.memory if self.capacity else None

    def tidy(self) -> None:
        """Tidy up the checkpoints, before anything is planned."""
        self.checkpoints.tidy(jobs_write=self.capacity is not None)

    def check(self, work: Plan) -> None:
        """Raise BadInput if the executor would refuse the packs, if jobs of a cluster train them already, or if an
        analysis of a person's own raises.
        """
        try_own_analyses(work.packs, self.instruments)
        if isinstance(self.executor, ClusterExecutor):
            if work.packs:
                self.executor.check(work.packs, self.slurm)
        elif names := names_in_queue(self.checkpoints.folder):
            raise BadInput(
                "executor: jobs of a cluster train this sweep; wait for them with the executor that submitted them, or "
                f"end them: scancel --name={','.join(names)}"
            )

    def estimate(self, work: Plan, speeds: Speeds) -> str:
        """How long the packs will take."""
        if isinstance(self.executor, ClusterExecutor):
            return self.executor.estimate(work.packs, self.slurm, self.packs_at_once)
        return speeds.estimate(work.packs, cores())

    def forecast(self, work: Plan) -> Forecast | None:
        """What the packs will take of a cluster; None if they train here."""
        if not isinstance(self.executor, ClusterExecutor):
            return None
        return self.executor.forecast(work.packs, self.slurm, self.packs_at_once)

    @property
    def packs_at_once(self) -> int:
        """How many packs train at a time."""
        return self.executor.packs_at_once(self.workers)

    def run(self, work: Plan, store: Store, speeds: Speeds, listener: Listener = _nobody) -> Ended:
        """Train every pack, then measure. A pack is recorded while the next one trains; `listener` hears of both."""
        reasons, interrupted, detached, began = dict(work.unfit), False, False, monotonic()
        ended: Counter[str] = Counter()
        done: list[PackOutcome] = []
        compiled = _compiled_forms(work)
        with ExitStack() as stack:
            interruption = stack.enter_context(Interruption())
            recorder = stack.enter_context(Recorder(store, work.cells, self.checkpoints))
            runs = work.runs_to_do + len(work.held)
            display = stack.enter_context(watcher(runs, work.cost, len(work.held)))
            end = stack.enter_context(ExpectedEnd(self.checkpoints.folder, work.runs_to_do, work.cost))
            watch = _Heard(display.on_message, (end.on_message, listener))
            stack.enter_context(blas.one_thread_here())
            context = ExecutionContext(self.workers, self.checkpoints, lambda: interruption.asked, self.instruments)
            besides = LOOKED_INTO if work.runs_to_train == 1 else ""
            context = replace(context, slurm=self.slurm, detach=self.detach, besides=besides)
            if reasons:
                recorder.take(unfit_result(reasons, work.cells))
            try:
                outcomes = stack.enter_context(closing(self._outcomes(work, context, watch, recorder)))
                for found in outcomes:
                    recorder.take(found)
                    reasons |= found.reasons
                    ended.update(found.words())
                    if isinstance(found, PackOutcome):
                        done.append(found)
                    if reasons and self.fail_fast:
                        break
            except KeyboardInterrupt:
                interrupted = True
            except Detached:
                detached = True
        # Seconds of other machines, or with compilation in them, say nothing about this machine's speed.
        if not self.capacity and _compiled_forms(work) == compiled:
            speeds.learn([(outcome.planned, outcome.seconds) for outcome in done if not outcome.failed], cores())
        return Ended(
            reasons, len(recorder.unrecorded), interrupted, len(recorder.lost), detached, ended[FINISHED],
            ended[DIVERGED], len(work.held), monotonic() - began,
        )  # fmt: skip

    def _outcomes(
        self, work: Plan, context: ExecutionContext, watch: _Heard, recorder: Recorder
    ) -> Generator[PackOutcome | MeasuredBatch, None, None]:
        with closing(self.executor.train(work.packs, context)) as messages:
            for message in messages:
                watch.by_all(message)
                if isinstance(message, PackDone) and message.outcome is not None:
                    yield message.outcome
        yield from self._measured(work, context, watch, recorder)

    def _measured(
        self, work: Plan, context: ExecutionContext, watch: _Heard, recorder: Recorder
    ) -> Iterator[MeasuredBatch]:
        """Take the measurements. Timings come last, when everything else is recorded, so that nothing else runs:
        neither does what the listener would do.
        """
        timings = [run for run in work.measurements if self.instruments.is_timing(run.config.measure)]
        others = [run for run in work.measurements if run not in timings]
        yield from measured(others, self.instruments.measure, watch.by_all, context.stop, BATCH_SECONDS)
        recorder.wait()
        with TimingProcesses(self.instruments) as processes:
            yield from measured(timings, processes.measure, watch.display, context.stop, math.inf)


def _compiled_forms(work: Plan) -> int:
    """How many compiled functions the disk cache holds, if any pack trains with the compiled kernel."""
    if not any(pack.pack.kernel == "compiled" for pack in work.packs):
        return 0
    from workbench.engine.kernels.compiled.jit import compiled_so_far  # late: it imports Numba

    return compiled_so_far()
