"""Who trains the packs of a plan. Each executor yields an outcome per pack, in the order in which packs end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import time

from workbench.config import DataConfig
from workbench.data import Dataset, load, prepare
from workbench.engine.epoch import RunEnd
from workbench.engine.errors import BadInput
from workbench.engine.training import train
from workbench.sweep.history import History, Table
from workbench.sweep.packs import PlannedPack
from workbench.sweep.progress import Watcher


@dataclass(frozen=True)
class PackOutcome:
    """What became of a pack: how each run ended (None: it failed, for `reason`), histories, unix times."""

    planned: PlannedPack
    ends: list[RunEnd | None]
    reason: str
    epochs: Table
    layers: Table
    started: float
    ended: float


Executor = Callable[[Sequence[PlannedPack], int, Watcher], Iterator[PackOutcome]]


def inline(packs: Sequence[PlannedPack], workers: int, watcher: Watcher) -> Iterator[PackOutcome]:
    """One pack after the other; the runs of each are shared out over `workers` processes on a CPU."""
    for planned in packs:
        watcher.pack_started(planned.label, planned.pack.runs, planned.epochs, planned.cost)
        outcome = train_pack(planned, workers, watcher)
        watcher.pack_done(failed=sum(end is None for end in outcome.ends))
        yield outcome


EXECUTORS: dict[str, Executor] = {"inline": inline}


def train_pack(planned: PlannedPack, workers: int, watcher: Watcher) -> PackOutcome:
    """Train one pack to its end. A run that raises takes no other pack with it: the reason is kept."""
    history, started, reason = History(planned.fingerprints), time(), ""
    ends: list[RunEnd | None] = [None] * planned.pack.runs
    try:
        data = prepare(
            dataset(planned.examples.config),
            planned.pack.columns["seed"],
            planned.examples.label_noise,
            planned.examples.scaling,
            *_sizes(planned.examples.config),
        )
        for epoch in train(planned.pack, data, workers):
            history.add(epoch)
            for end in epoch.ended:
                ends[end.run] = end
            watcher.epoch_done(epoch)
    except BadInput:
        raise
    except Exception as error:  # whatever it is, the other packs go on and the sweep tells of it at its end
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
    return PackOutcome(planned, ends, reason, history.epochs(), history.layers(), started, time())


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


def _sizes(config: DataConfig) -> tuple[int | None, float, float]:
    return config.train_size, config.validation, config.test
