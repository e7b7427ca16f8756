"""`train` trains a pack of runs, epoch by epoch. It never logs, prints or writes; its caller records the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from time import perf_counter

import numpy as np

from workbench.engine.errors import BadInput
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.rules.losses import LOSSES, fits_task
from workbench.engine.rules.rule_files import install
from workbench.engine.training.epoch import Epoch, State, Weights, merged
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data
from workbench.engine.training.workers import WORKERS, InlineWorker, Worker, gathered, joined, part_of

# Raise it whenever a number changes that a CPU computes, the last digits included: results of another version are not
# reused. The golden trajectories in the tests are those of the plain kernel.
NUMERICAL_VERSION = 6
SHORT_EPOCH = 1.0  # seconds: only after one as short may workers go ahead, so that to stop a pack never takes long


def never() -> bool:
    """No epoch begins ahead of the caller."""
    return False


def train(
    pack: Pack, data: Data, workers: int = 1, state: State | None = None, ahead: Callable[[], bool] = never
) -> Iterator[Epoch]:
    """Train all runs of a pack; yields an `Epoch` for the untrained networks (number 0) and after every epoch.

    A run ends after its `epochs`, when it is out of patience, or when it diverges; the pack ends with its last run. On
    a CPU, `workers` threads or processes share the runs; the kernel decides which. If there are fewer runs than
    workers, the compiled kernel lets several threads share each run of a wide network. The caller limits BLAS to one
    thread in this process. With a `state` from `Epoch.state()`, training continues with the next epoch. No number
    depends on `workers` or on an interruption.

    While `ahead` says True, and the last epoch that trained was short, a worker begins the next one without waiting for
    the others or for the caller. An epoch that training has left in this way has no state and no weights
    (`Epoch.stands`). The first one after `ahead` says False has them.

    Raises BadInput if pack and data do not fit together.
    """
    install(pack.rules)
    _check(pack, data)
    started = _started(pack, data, workers if pack.device == "cpu" else 1, state)
    try:
        yield from _Course(started, ahead).epochs()
    finally:
        for worker in started:
            worker.close()


class _Course:
    """The epochs of a pack, one after the other, as its workers train them."""

    def __init__(self, workers: list[Worker], ahead: Callable[[], bool]) -> None:
        self._workers, self._ahead = workers, ahead
        self._begun, self._number, self._seconds = 0, -1, inf

    def epochs(self) -> Iterator[Epoch]:
        """All that are left; the last one is that in which the last run ends."""
        started = perf_counter()
        while (epoch := self._next()) is not None:
            seconds, started = perf_counter() - started, perf_counter()
            self._number = epoch.number
            self._seconds = seconds if epoch.number else inf  # the untrained networks do not tell how long one takes
            epoch = replace(epoch, seconds=seconds)
            yield epoch if self._begun else replace(epoch, _state=self._state, _weights=self._weights)

    def _next(self) -> Epoch | None:
        """The next epoch; None if no run is left. Another one may have begun by then."""
        if not self._begun:
            self._begin()
        if self._may_go_ahead():
            self._begin()
        parts = [epoch for worker in self._workers if (epoch := worker.finish_epoch()) is not None]
        self._begun -= 1
        return merged(parts) if parts else None

    def _begin(self) -> None:
        for worker in self._workers:
            worker.start_epoch()
        self._begun += 1

    def _may_go_ahead(self) -> bool:
        return self._begun == 1 and len(self._workers) > 1 and self._seconds < SHORT_EPOCH and self._ahead()

    def _state(self, asked: int) -> State:
        self._still_at(asked)
        return joined([worker.state() for worker in self._workers])

    def _weights(self, asked: int, runs: np.ndarray) -> Weights:
        self._still_at(asked)
        return gathered([worker.runs for worker in self._workers], [worker.weights for worker in self._workers], runs)

    def _still_at(self, asked: int) -> None:
        if asked != self._number or self._begun:
            raise RuntimeError(f"the state of epoch {asked} is gone: training is at epoch {self._number}")


def _started(pack: Pack, data: Data, workers: int, state: State | None) -> list[Worker]:
    count = min(workers, pack.runs)
    threads = workers // count if KERNELS[pack.kernel].workers == "threads" else 1
    if count == 1:
        return [InlineWorker(pack, data, np.arange(pack.runs), state, threads)]
    shares = np.array_split(np.arange(pack.runs), count)
    worker = WORKERS[KERNELS[pack.kernel].workers]
    return [worker(pack.take(runs), data.take(runs), runs, part_of(state, runs), threads) for runs in shares]


def _check(pack: Pack, data: Data) -> None:
    examples = data.train.index.shape[1]
    if pack.batch_size > examples:
        raise BadInput(
            f"training.batch_size: found {pack.batch_size}, allowed are 1 to {examples}, the training examples"
        )
    if pack.columns["shift_pixels"].any():
        _check_shift(int(pack.columns["shift_pixels"].max()), data)
    if not fits_task(pack.loss, data.classes):
        task = f"{data.classes} classes" if data.classes else "a regression"
        raise BadInput(f"network.loss: {pack.loss} is for {LOSSES[pack.loss].task}, and the data are {task}")


def _check_shift(most: int, data: Data) -> None:
    if not data.image:
        raise BadInput(f"data.shift: found {most}, allowed is 0, as the examples are no images")
    if most >= min(data.image[:2]):
        raise BadInput(f"data.shift: found {most}, allowed are 0 to {min(data.image[:2]) - 1}, less than the images")
    if data.origin.any() or (data.unit != 1).any():
        raise BadInput(
            f"data.shift: found {most}, allowed is 0: pixels that hardly vary, or are far from 1, cannot change places"
        )
