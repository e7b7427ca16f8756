"""Packs trained in parallel by worker processes, each kept to its share of the cores if there are enough.

A worker process is spawned, not forked from ours. It receives one pack at a time and sends back its progress and then
its outcome (`messages.py`). If a worker is killed, its pack is tried again.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from workbench import blas
from workbench.engine.training.workers import WorkerDied, without_main_module
from workbench.signals import held, leave_to_parent
from workbench.sweep.execution.cores import cores, keep_to, shares
from workbench.sweep.execution.executor import ExecutionContext, settled
from workbench.sweep.execution.log import redirect, say, warn
from workbench.sweep.execution.messages import (
    FromWorker,
    Message,
    Messages,
    PackDone,
    PackRetried,
    PackStarted,
    PackStopped,
    PrintedLine,
    Stop,
    ToWorker,
    TrainPack,
)
from workbench.sweep.execution.outcome import PackOutcome, outcome_of
from workbench.sweep.execution.pack_training import run_to_end, train_pack
from workbench.sweep.execution.unfinished import untouched
from workbench.sweep.planning.devices import VISIBLE, devices
from workbench.sweep.planning.packs import PlannedPack

_LOOK_SECONDS = 0.2  # between two calls of `context.stop`
_CLOSE_SECONDS = 5.0


class Processes:
    """See the contract, `PackExecutor`."""

    summary = "worker processes train packs side by side, each with its share of the cores"

    def packs_at_once(self, workers: int) -> int:
        """One for each worker process."""
        return workers

    def train(self, packs: Sequence[PlannedPack], context: ExecutionContext) -> Messages:
        """Train in up to `context.workers` processes. Raises KeyboardInterrupt once all have stopped."""
        pool = _Pool(packs, context)
        try:
            yield from pool.train()
        finally:
            pool.close()


PROCESSES = {"processes": Processes()}


class _Pool:
    """The worker processes, and the packs that wait for one."""

    def __init__(self, packs: Sequence[PlannedPack], context: ExecutionContext) -> None:
        self._queue, self._asked_to_stop = deque(packs), context.stop
        self._size = max(1, min(context.workers, len(packs)))
        self._devices = _devices_for(packs)
        if self._devices:
            self._size = min(self._size, len(self._devices))
        self._context = replace(context, workers=max(1, cores() // self._size), stop=_never)
        self._shares = shares(self._size)
        self._workers: list[_Worker] = []
        self._lost: Counter[str] = Counter()  # digest of a pack of one run -> how many of its workers were killed
        self._stopping = False

    def train(self) -> Messages:
        """Yield every message until all packs are done. Raises KeyboardInterrupt once all workers have stopped."""
        while self._busy() or (self._queue and not self._stopping):
            yield from self._hand_out()
            for worker in self._with_messages():
                yield from self._receive(worker)
            if self._asked_to_stop() and not self._stopping:
                self._stop()
        if self._stopping:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Stop each pack in training after its epoch, with a checkpoint, and end every worker."""
        self._stop()
        while self._busy():
            for worker in self._with_messages():
                for _ in self._receive(worker):
                    pass
        for worker in self._workers:
            worker.close()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.pack]

    def _stop(self) -> None:
        self._stopping = True
        for worker in self._busy():
            worker.send(Stop())

    def _hand_out(self) -> Messages:
        """A pack for every worker that has none."""
        while self._queue and not self._stopping:
            worker = next((worker for worker in self._workers if not worker.pack), None)
            if worker is None:
                if len(self._workers) == self._size:
                    return
                worker = _Worker.start(self._context, self._free_device(), self._free_share())
                self._workers.append(worker)
            worker.pack = self._queue.popleft()
            worker.send(TrainPack(worker.pack))
            yield PackStarted.of(worker.pack)

    def _free_device(self) -> str:
        """A device that no worker has; "" if packs train on the CPU."""
        taken = {worker.device for worker in self._workers}
        return next((name for name in self._devices if name not in taken), "")

    def _free_share(self) -> frozenset[int]:
        """A share of the cores that no worker has; empty if workers are not kept to shares."""
        taken = {worker.share for worker in self._workers}
        return next((share for share in self._shares if share not in taken), frozenset())

    def _with_messages(self) -> list[_Worker]:
        ready = wait([worker.pipe for worker in self._busy()], _LOOK_SECONDS)
        return [worker for worker in self._workers if worker.pipe in ready]

    def _receive(self, worker: _Worker) -> Messages:
        """The next message of a worker, or that it was killed."""
        planned = worker.pack
        assert planned is not None
        try:
            message: FromWorker = worker.pipe.recv()
        except (EOFError, OSError):
            yield self._on_killed(worker, planned)
            return
        if isinstance(message, PrintedLine):
            print_line = warn if message.failure else say
            print_line(message.line)
            return
        if isinstance(message, PackDone | PackStopped):
            worker.pack = None
        if isinstance(message, PackDone) and message.outcome is not None:
            yield self._settled(message.outcome)
        else:
            yield message

    def _on_killed(self, worker: _Worker, planned: PlannedPack) -> Message:
        """A worker was killed, most likely for memory: its pack is tried again in halves, a single run once more."""
        worker.pack = None
        worker.close()
        self._workers.remove(worker)
        self._lost[planned.digest] += 1
        reason = f"its worker process was killed ({worker.ending()})"
        if planned.pack.runs == 1 and self._lost[planned.digest] == 1:
            self._queue.appendleft(planned)
            return PackRetried(planned.digest, f"  {planned.label} (1 run): {reason}; tried once more")
        return self._settled(outcome_of(planned, untouched(planned), WorkerDied(reason)))

    def _settled(self, outcome: PackOutcome) -> Message:
        """The message of an outcome. If smaller packs may succeed, they are put in the queue."""
        message, halves = settled(outcome)
        self._queue.extendleft(reversed(halves))
        return message


@dataclass
class _Worker:
    """A worker process as the main process sees it: `pack` is the one it trains, `device` the only one it sees, `share`
    the cores that it is kept to (empty: any).
    """

    process: BaseProcess
    pipe: Connection
    pack: PlannedPack | None = None
    device: str = ""
    share: frozenset[int] = frozenset()

    @classmethod
    def start(cls, context: ExecutionContext, device: str = "", share: frozenset[int] = frozenset()) -> _Worker:
        """A new process that waits for packs; `device` as CUDA_VISIBLE_DEVICES takes it."""
        blas.one_thread_unless_set()  # a worker's share of the cores is taken by the engine's own workers
        starting = get_context("spawn")
        ours, theirs = starting.Pipe()
        process = starting.Process(target=_serve, args=(theirs, context, share), daemon=False)
        with held(), without_main_module(), _seeing(device):
            process.start()
        theirs.close()
        return cls(process, ours, device=device, share=share)

    def send(self, message: ToWorker) -> None:
        """Send a message. A dead worker is noticed when its messages are read."""
        try:
            self.pipe.send(message)
        except OSError:
            return

    def ending(self) -> str:
        """How the process ended, as text."""
        code = self.process.exitcode
        return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"

    def close(self) -> None:
        """End the process, which is idle or dead."""
        self.pipe.close()
        self.process.join(timeout=_CLOSE_SECONDS)


def _devices_for(packs: Sequence[PlannedPack]) -> list[str]:
    """The devices, one for each worker; empty if a pack trains on the CPU."""
    return [] if any(planned.pack.device == "cpu" for planned in packs) else [one.name for one in devices()]


@contextmanager
def _seeing(device: str) -> Iterator[None]:
    """A context in which new processes see only this device; with "" they see the devices of this process."""
    before = os.environ.get(VISIBLE)
    if device:
        os.environ[VISIBLE] = device
    try:
        yield
    finally:
        if device:
            os.environ.pop(VISIBLE)
            os.environ.update({VISIBLE: before} if before is not None else {})


def _never() -> bool:
    """Never stop: a worker process gets its stop signal through the pipe."""
    return False


def _serve(pipe: Connection, context: ExecutionContext, share: frozenset[int]) -> None:
    """The main function of a worker process: train the packs it receives until the pipe is closed. A message that
    arrives during training means stop.
    """
    leave_to_parent()
    keep_to(share)
    sys.stdout = sys.stderr  # a rule that prints does not get between the results of the command
    redirect(lambda line, failure: pipe.send(PrintedLine(line, failure)))
    context = replace(context, stop=pipe.poll)
    try:
        while True:
            message: ToWorker = pipe.recv()
            if isinstance(message, TrainPack):  # a Stop may arrive after the pack is done
                pipe.send(_trained(message.planned, context, pipe))
    except (EOFError, OSError):
        os._exit(0)  # the main process is gone


def _trained(planned: PlannedPack, context: ExecutionContext, pipe: Connection) -> FromWorker:
    try:
        return PackDone.of(run_to_end(train_pack(planned, context), pipe.send))
    except KeyboardInterrupt:
        return PackStopped(planned.digest)
