"""Packs side by side in worker processes, each with its share of the cores.

A worker is a process of its own from the start (nothing is forked from ours), is handed one pack at a time, and sends
back what the watcher is to be told and at last the outcome. One that is killed costs its pack another try.
"""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from workbench.engine.training.epoch import Epoch
from workbench.engine.training.workers import BLAS_THREADS, WorkerDied, without_main_module
from workbench.signals import held, leave_to_parent
from workbench.sweep.execution.checkpoints import Checkpoints, untouched
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.log import redirect, say
from workbench.sweep.execution.pack_training import PackOutcome, Sitting, outcome_of, train_pack
from workbench.sweep.execution.progress import Display
from workbench.sweep.measures import Instruments
from workbench.sweep.planning.packs import PlannedPack

STOPPED = "stopped"
_LOOK_SECONDS = 0.2  # how often it is looked whether to stop
_CLOSE_SECONDS = 5.0


def processes(packs: Sequence[PlannedPack], sitting: Sitting) -> Iterator[PackOutcome]:
    """`sitting.workers` processes, the most costly packs first. Raises KeyboardInterrupt once all have stopped."""
    crew = _Crew(packs, sitting)
    try:
        yield from crew.work()
    finally:
        crew.close()


class _Crew:
    """The workers, and the packs that are waiting, in flight or to be tried again."""

    def __init__(self, packs: Sequence[PlannedPack], sitting: Sitting) -> None:
        self._queue, self._sitting = deque(packs), sitting
        self._size = max(1, min(sitting.workers, len(packs)))
        self._threads = max(1, cores() // self._size)
        self._workers: list[_Worker] = []
        self._lost: Counter[str] = Counter()  # by pack of a single run, how many workers it has cost
        self._stopping = False

    def work(self) -> Iterator[PackOutcome]:
        """Every pack, as it ends."""
        while self._busy() or (self._queue and not self._stopping):
            self._hand_out()
            for worker in self._with_news():
                yield from self._hear(worker)
            if self._sitting.stop() and not self._stopping:
                self._stopping = True
                for worker in self._busy():
                    worker.send(STOPPED)
        if self._stopping:
            raise KeyboardInterrupt

    def close(self) -> None:
        """End every worker; one in the middle of a pack is stopped after its epoch, with a checkpoint."""
        for worker in self._workers:
            worker.close()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.pack]

    def _hand_out(self) -> None:
        """A pack for every worker that has none."""
        while self._queue and not self._stopping:
            worker = next((worker for worker in self._workers if not worker.pack), None)
            if worker is None:
                if len(self._workers) == self._size:
                    return
                worker = _Worker.start(self._sitting, self._threads)
                self._workers.append(worker)
            planned = worker.pack = self._queue.popleft()
            self._sitting.watcher.pack_started(
                planned.label, planned.pack.runs, planned.epochs, planned.cost, planned.digest
            )
            worker.send(planned)

    def _with_news(self) -> list[_Worker]:
        ready = wait([worker.pipe for worker in self._busy()], _LOOK_SECONDS)
        return [worker for worker in self._workers if worker.pipe in ready]

    def _hear(self, worker: _Worker) -> Iterator[PackOutcome]:
        """What a worker has to say: something for the watcher, or the outcome of its pack; or it was killed."""
        planned = worker.pack
        assert planned is not None
        try:
            kind, *rest = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(worker, planned)
            return
        if kind == "said":
            say(*rest)
        elif kind == "outcome":
            worker.pack = None
            yield from self._settle(*rest)
        elif kind == STOPPED:
            worker.pack = None
            self._sitting.watcher.pack_given_up(planned.digest)
        else:
            getattr(self._sitting.watcher, kind)(*rest, planned.digest)

    def _settle(self, outcome: PackOutcome) -> Iterator[PackOutcome]:
        """An outcome is handed on, unless smaller packs may do better."""
        halves = outcome.halves()
        if halves and not self._stopping:
            say(outcome.retried)
            self._again(outcome.planned, halves)
        else:
            self._sitting.watcher.pack_done(outcome.failed, outcome.planned.digest)
            yield outcome

    def _bury(self, worker: _Worker, planned: PlannedPack) -> Iterator[PackOutcome]:
        """A worker was killed, most likely for memory: its pack is tried again in halves, a single run once more."""
        worker.close()
        self._workers.remove(worker)
        self._lost[planned.digest] += 1
        reason = f"its worker process was killed ({worker.ending()})"
        if planned.pack.runs == 1 and self._lost[planned.digest] == 1:
            say(f"  {planned.label} (1 run): {reason}; tried once more")
            self._again(planned, [planned])
            return
        yield from self._settle(outcome_of(planned, untouched(planned), WorkerDied(reason)))

    def _again(self, planned: PlannedPack, packs: Sequence[PlannedPack]) -> None:
        self._sitting.watcher.pack_given_up(planned.digest)
        self._queue.extendleft(reversed(packs))


@dataclass
class _Worker:
    """A worker process as we see it; `pack` is the one it trains."""

    process: Any
    pipe: Connection
    pack: PlannedPack | None = field(default=None)

    @classmethod
    def start(cls, sitting: Sitting, threads: int) -> _Worker:
        """A new process that waits for packs."""
        for variable in BLAS_THREADS:  # a worker's share of the cores is taken by the engine's own workers
            os.environ.setdefault(variable, "1")
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, sitting.checkpoints, threads, sitting.instruments), daemon=False
        )
        with held(), without_main_module():
            process.start()
        theirs.close()
        return cls(process, ours)

    def send(self, what: object) -> None:
        """Hand something over; a worker that is dead is found out when it is listened to."""
        try:
            self.pipe.send(what)
        except OSError:
            return

    def ending(self) -> str:
        """How the process ended, in words."""
        code = self.process.exitcode
        return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"

    def close(self) -> None:
        """End the process: at once where it waits, else after its epoch."""
        self.pipe.close()
        self.process.join(timeout=None if self.pack and self.process.exitcode is None else _CLOSE_SECONDS)


class _Teller(Display):
    """A watcher that sends everything on, but for what is large in an epoch."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(0, 0.0)
        self._pipe = pipe

    def pack_resumed(self, epoch: int, ended: int, key: str = "") -> None:  # noqa: ARG002
        self._pipe.send(("pack_resumed", epoch, ended))

    def epoch_done(self, epoch: Epoch, key: str = "") -> None:  # noqa: ARG002
        self._pipe.send(("epoch_done", Epoch(epoch.number, epoch.runs, {}, {}, epoch.ended, epoch.examples)))


def _serve(pipe: Connection, checkpoints: Checkpoints, threads: int, instruments: Instruments | None) -> None:
    """The life of a worker: train what is handed over, until the pipe is closed. Any word meanwhile means stop."""
    leave_to_parent()
    redirect(lambda line: pipe.send(("said", line)))
    sitting = Sitting(threads, _Teller(pipe), checkpoints, pipe.poll, instruments)
    try:
        while True:
            planned = pipe.recv()
            if planned == STOPPED:
                continue  # it came when the pack was over
            try:
                pipe.send(("outcome", train_pack(planned, sitting)))
            except KeyboardInterrupt:
                pipe.send((STOPPED,))
    except (EOFError, OSError):
        os._exit(0)  # nobody listens any more
