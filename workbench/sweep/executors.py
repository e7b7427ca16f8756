"""Who trains the packs of a plan. Each executor yields an outcome per pack, in the order in which packs end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from time import time

import numpy as np

from workbench.config import DataConfig
from workbench.data import Dataset, RunData, load, prepare
from workbench.engine.epoch import Epoch, RunEnd
from workbench.engine.training import train
from workbench.sweep.checkpoints import Checkpoints
from workbench.sweep.history import Table
from workbench.sweep.measures import Instruments, Measured, Trained
from workbench.sweep.packs import PlannedPack
from workbench.sweep.progress import Watcher


@dataclass(frozen=True)
class PackOutcome:
    """What became of a pack: how each run ended (None: it failed, for `reason`), histories, unix times.

    `analysed` holds what the analyses of each run found, None where there are none.
    """

    planned: PlannedPack
    ends: list[RunEnd | None]
    reason: str
    epochs: Table
    layers: Table
    analysed: list[Measured | None]
    started: float
    ended: float


@dataclass(frozen=True)
class Sitting:
    """What an executor works with: worker threads or processes, who watches, where checkpoints lie, whether to stop.

    `instruments` make the analyses that runs ask for.
    """

    workers: int
    watcher: Watcher
    checkpoints: Checkpoints
    stop: Callable[[], bool] = lambda: False
    instruments: Instruments | None = None


Executor = Callable[[Sequence[PlannedPack], Sitting], Iterator[PackOutcome]]


def inline(packs: Sequence[PlannedPack], sitting: Sitting) -> Iterator[PackOutcome]:
    """One pack after the other in this process, the runs of each shared out over workers."""
    for planned in packs:
        sitting.watcher.pack_started(planned.label, planned.pack.runs, planned.epochs, planned.cost)
        outcome = train_pack(planned, sitting)
        sitting.watcher.pack_done(failed=sum(end is None for end in outcome.ends))
        yield outcome


EXECUTORS: dict[str, Executor] = {"inline": inline}


def train_pack(planned: PlannedPack, sitting: Sitting) -> PackOutcome:
    """Train one pack to its end, from its checkpoint if it has one. If it raises, the reason is kept and others go on.

    Raises KeyboardInterrupt where it was asked to stop, after a checkpoint.
    """
    reached, started, reason = sitting.checkpoints.resume(planned), time(), ""
    try:
        data = _data(planned)
        for epoch in train(planned.pack, data, sitting.workers, reached.state):
            reached.history.add(epoch)
            for end in epoch.ended:
                reached.analysed[end.run] = _analysed(planned, data, epoch, end, sitting.instruments)
                reached.ends[end.run] = end
            sitting.watcher.epoch_done(epoch)
            stop = sitting.stop()
            if stop or sitting.checkpoints.due():
                sitting.checkpoints.save(planned, replace(reached, state=epoch.state()))
            if stop:
                raise KeyboardInterrupt
    except Exception as error:  # whatever it is, the other packs go on and the sweep tells of it at its end
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
    histories = reached.history.epochs(), reached.history.layers()
    return PackOutcome(planned, reached.ends, reason, *histories, reached.analysed, started, time())


def _analysed(
    planned: PlannedPack, data: RunData, epoch: Epoch, end: RunEnd, instruments: Instruments | None
) -> Measured | None:
    """What its analyses say of a run that has just ended; None where it has none, or diverged."""
    names = planned.analyses[end.run]
    if not names or end.outcome != "finished":
        return None
    assert instruments is not None, "a run asks for analyses, and nobody was given who makes them"
    mine = np.array([end.run])
    return instruments.analyse(names, Trained(planned.pack.take(mine), data.take(mine), epoch.weights(mine)))


def _data(planned: PlannedPack) -> RunData:
    config = planned.examples.config
    return prepare(
        dataset(config),
        planned.pack.columns["seed"],
        planned.examples.label_noise,
        planned.examples.scaling,
        config.train_size,
        config.validation,
        config.test,
    )


@lru_cache(maxsize=2)
def dataset(config: DataConfig) -> Dataset:
    """The decoded arrays; the packs of a sweep mostly share one dataset."""
    return load(config)


def worker_count(asked: int | None) -> int:
    """Processes that share a pack: as many as asked for, else one a core this process may use."""
    if asked:
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that packs may take on this machine: half of what is available now."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") // 2
    except (ValueError, OSError):
        return 4 * 2**30
