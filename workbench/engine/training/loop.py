"""`train` trains a pack of runs, epoch by epoch. It never logs, prints or writes; its caller records the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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

# Raise it whenever the golden trajectories in the tests change: results of another version are not reused.
NUMERICAL_VERSION = 5


def train(pack: Pack, data: Data, workers: int = 1, state: State | None = None) -> Iterator[Epoch]:
    """Train all runs of a pack; yields an `Epoch` for the untrained networks (number 0) and after every epoch.

    A run ends after its `epochs`, when it is out of patience, or when it diverges; the pack ends with its last run. On
    a CPU, `workers` threads or processes share the runs; the kernel decides which. If there are fewer runs than
    workers, the compiled kernel lets several threads share each run of a wide network. The caller limits BLAS to one
    thread in this process. With a `state` from `Epoch.state()`, training continues with the next epoch. No number
    depends on `workers` or on an interruption.

    Raises BadInput if pack and data do not fit together.
    """
    install(pack.rules)
    _check(pack, data)
    started = _started(pack, data, workers if pack.device == "cpu" else 1, state)
    try:
        yield from _epochs(started)
    finally:
        for worker in started:
            worker.close()


def _epochs(workers: list[Worker]) -> Iterator[Epoch]:
    started, number = perf_counter(), None

    def still_there(asked: int) -> None:
        if asked != number:
            raise RuntimeError(f"the state of epoch {asked} is gone: training is at epoch {number}")

    def state_after(asked: int) -> State:
        still_there(asked)
        return joined([worker.state() for worker in workers])

    def weights_after(asked: int, runs: np.ndarray) -> Weights:
        still_there(asked)
        return gathered([worker.runs for worker in workers], [worker.weights for worker in workers], runs)

    working = list(workers)
    while working:
        for worker in working:
            worker.start_epoch()
        answers = [(worker, worker.finish_epoch()) for worker in working]
        working = [worker for worker, epoch in answers if epoch is not None]
        parts = [epoch for _, epoch in answers if epoch is not None]
        if parts:
            epoch = merged(parts)
            number = epoch.number
            seconds, started = perf_counter() - started, perf_counter()
            yield replace(epoch, seconds=seconds, _state=state_after, _weights=weights_after)


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
