"""Workers train the runs of a pack: in this thread, or in threads or processes that each have a share of the runs.

Runs do not interact, so neither the number of workers nor the size of the groups changes any number.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context, util
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Protocol

import numpy as np

from workbench import blas
from workbench.engine.rules.rule_files import install
from workbench.engine.training.epoch import Epoch, State, Weights, merged
from workbench.engine.training.group import Group
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data
from workbench.engine.training.sizes import runs_per_group
from workbench.signals import held, leave_to_parent


class WorkerDied(RuntimeError):
    """A worker process ended without an answer. Most likely it was killed for lack of memory."""


class Worker(Protocol):
    """Trains some runs of a pack, epoch by epoch; `runs` are their places in the whole pack, ascending."""

    runs: np.ndarray

    def start_epoch(self) -> None:
        """Have the next epoch trained, after those already asked for."""

    def finish_epoch(self) -> Epoch | None:
        """Wait for the first of those asked for; None if no run is left to train. Runs are numbered as in the whole
        pack.
        """

    def state(self) -> State:
        """The state of these runs."""

    def weights(self, runs: np.ndarray) -> Weights:
        """The parameters of some of these runs, by their places (n,) in this worker's share."""

    def close(self) -> None:
        """Release everything it holds."""


class InlineWorker:
    """Trains its runs in this process, in groups that stay in cache. `runs` are their places in the whole pack;
    `threads` may share the work of each run.
    """

    def __init__(self, pack: Pack, data: Data, runs: np.ndarray, state: State | None, threads: int = 1) -> None:
        size = runs_per_group(pack, data)
        parts = [np.arange(start, min(start + size, len(runs))) for start in range(0, len(runs), size)]
        self.runs, self._parts = runs, parts
        self._groups = [Group(pack.take(part), data.take(part), part_of(state, part), threads) for part in parts]

    def start_epoch(self) -> None:
        """Nothing: `finish_epoch` does the work."""

    def finish_epoch(self) -> Epoch | None:
        """Train one epoch of every group that has active runs."""
        epochs = []
        for group, part in zip(self._groups, self._parts, strict=True):
            if group.active:
                epoch = group.epoch()
                epochs.append(_renumbered(epoch, self.runs[part]))
        return merged(epochs) if epochs else None

    def state(self) -> State:
        """The groups' states, one after the other."""
        return joined([group.state() for group in self._groups])

    def weights(self, runs: np.ndarray) -> Weights:
        """The parameters of some of these runs, by their places (n,), each from its group."""
        return gathered(self._parts, [group.weights for group in self._groups], runs)

    def close(self) -> None:
        """Nothing to release."""


class ThreadWorker(InlineWorker):
    """An InlineWorker in a thread of its own, for kernels that release the GIL while they compute."""

    def __init__(self, pack: Pack, data: Data, runs: np.ndarray, state: State | None, threads: int = 1) -> None:
        super().__init__(pack, data, runs, state, threads)
        self._thread = ThreadPoolExecutor(1, "trainer")
        self._begun: deque[Future[Epoch | None]] = deque()

    def start_epoch(self) -> None:
        """Have the next epoch trained, after those already asked for."""
        self._begun.append(self._thread.submit(super().finish_epoch))

    def finish_epoch(self) -> Epoch | None:
        """Wait for the first of the epochs asked for."""
        return self._begun.popleft().result()

    def close(self) -> None:
        """Wait for the epoch in flight, if any, and end the thread. No other epoch begins."""
        self._thread.shutdown(cancel_futures=True)


class ProcessWorker:
    """An InlineWorker in a process of its own with one BLAS thread."""

    def __init__(self, pack: Pack, data: Data, runs: np.ndarray, state: State | None, threads: int = 1) -> None:
        self.runs = runs
        with blas.one_thread_in_new_processes(), without_main_module(), held():
            self._process, self._pipe = _started()
        # The process ignores SIGTERM, by which Python ends its daemons. So a worker that nobody closes is killed.
        util.Finalize(self, self._process.kill, exitpriority=10)
        self._pipe.send((pack, data, runs, state, threads))

    def start_epoch(self) -> None:
        """Ask for the next epoch."""
        self._send("finish_epoch")

    def finish_epoch(self) -> Epoch | None:
        """Wait for the epoch asked for."""
        return self._receive()  # type: ignore[return-value]

    def state(self) -> State:
        """Fetch the state."""
        self._send("state")
        return self._receive()  # type: ignore[return-value]

    def weights(self, runs: np.ndarray) -> Weights:
        """Fetch the parameters of some of these runs, by their places (n,)."""
        self._send("weights", runs)
        return self._receive()  # type: ignore[return-value]

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _send(self, question: str, *about: object) -> None:
        try:
            self._pipe.send((question, about))
        except OSError as error:
            raise self._death() from error

    def _receive(self) -> object:
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _death(self) -> WorkerDied:
        """What is said of the process once its end of the pipe is closed."""
        self._process.join(timeout=5)
        return WorkerDied(f"a worker process died with exit status {self._process.exitcode}")


WORKERS: dict[str, type[InlineWorker] | type[ProcessWorker]] = {"threads": ThreadWorker, "processes": ProcessWorker}


def part_of(state: State | None, runs: np.ndarray) -> State | None:
    """The state of the runs at these places (n,); None without a state."""
    if state is None:
        return None
    return {name: array if name == "epoch" else array[runs] for name, array in state.items()}


def joined(states: list[State]) -> State:
    """One state out of the states of consecutive runs.

    Runs that ended early are at an earlier epoch: the latest epoch counts.
    """
    whole = {name: np.concatenate([state[name] for state in states]) for name in states[0] if name != "epoch"}
    return whole | {"epoch": np.array(max(int(state["epoch"]) for state in states))}


def gathered(
    parts: Sequence[np.ndarray], fetch: Sequence[Callable[[np.ndarray], Weights]], runs: np.ndarray
) -> Weights:
    """The parameters of `runs` (n,), in that order, each fetched from the part that holds the run.

    `parts`, (k,) each, hold run numbers in ascending order; each `fetch` takes numbers within its part.
    """
    found: dict[int, tuple[np.ndarray, ...]] = {}
    for part, ask in zip(parts, fetch, strict=True):
        if len(mine := runs[np.isin(runs, part)]):
            answer = ask(np.searchsorted(part, mine))
            found |= dict(zip(mine.tolist(), zip(answer.last, answer.best, answer.final, strict=True), strict=True))
    return Weights(*(np.stack(rows) for rows in zip(*(found[int(run)] for run in runs), strict=True)))


def _renumbered(epoch: Epoch, runs: np.ndarray) -> Epoch:
    ended = [replace(end, run=int(runs[end.run])) for end in epoch.ended]
    return replace(epoch, runs=runs[epoch.runs], ended=ended)


def _started() -> tuple[BaseProcess, Connection]:
    """A new worker process, and our end of the pipe to it.

    The fork server is started before any thread exists and has imported the engine, so a worker starts in milliseconds.
    It listens on a socket among the temporary files. If a socket cannot be created there, workers are spawned instead.
    """
    server = get_context("forkserver")
    server.set_forkserver_preload(["workbench.engine.training.workers"])
    try:
        return _started_by(server)
    except OSError:
        return _started_by(get_context("spawn"))


def _started_by(context: ForkServerContext | SpawnContext) -> tuple[BaseProcess, Connection]:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    try:
        process.start()
    finally:
        theirs.close()
    return process, ours


def _serve(pipe: Connection) -> None:
    """The main function of a worker process: answer until the pipe is closed."""
    leave_to_parent()
    try:
        worker: InlineWorker | None = None
        given = pipe.recv()
        while True:
            question, about = pipe.recv()
            try:
                install(given[0].rules)
                worker = worker or InlineWorker(*given)
                pipe.send(getattr(worker, question)(*about))
            except Exception as error:
                pipe.send(error)
    except (EOFError, OSError):
        return


@contextmanager
def without_main_module() -> Iterator[None]:
    """Hide the main script: a new process would import it again, which no worker needs and not every script allows."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
