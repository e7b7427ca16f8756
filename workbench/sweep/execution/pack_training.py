"""One pack trained to its end, from its checkpoint if it has one: what every executor does with a pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from time import monotonic, time

import numpy as np

from workbench.config import DataConfig
from workbench.data import Dataset, RunData, load, prepare
from workbench.engine.errors import BadInput, in_one_line
from workbench.engine.training.epoch import Epoch, RunEnd
from workbench.engine.training.loop import train
from workbench.sweep.execution.checkpoints import Checkpoints, Unfinished
from workbench.sweep.execution.history import Table
from workbench.sweep.execution.log import counted
from workbench.sweep.execution.progress import Watcher
from workbench.sweep.measures import Instruments, Measured, Trained
from workbench.sweep.planning.packs import PlannedPack


@dataclass(frozen=True)
class PackOutcome:
    """What became of a pack: how each run ended (None: it failed, for `reason`), histories, unix times.

    `analysed` holds what the analyses of each run found, None where there are none.
    `seconds` is how long it was trained, over all sittings. `divisible` says whether the failure may be of one run, or
    of there being too many of them: then the pack is worth another try in halves.
    """

    planned: PlannedPack
    ends: list[RunEnd | None]
    reason: str
    epochs: Table
    layers: Table
    analysed: list[Measured | None]
    started: float
    ended: float
    seconds: float
    divisible: bool = False

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(end is None for end in self.ends)

    @property
    def retried(self) -> str:
        """A line for the person, where the pack is tried again."""
        return (
            f"  {self.planned.label} ({counted(self.planned.pack.runs, 'run')}): {self.reason}; tried again in halves"
        )

    def halves(self) -> list[PlannedPack]:
        """The packs to be tried in its place: none where it came to an end, or no smaller pack can do better."""
        return self.planned.halves() if self.failed and self.divisible and self.planned.pack.runs > 1 else []


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


def train_pack(planned: PlannedPack, sitting: Sitting, key: str = "") -> PackOutcome:
    """Train one pack to its end, from its checkpoint if it has one. If it raises, the reason is kept and others go on.

    `key` names it to the watcher. Raises KeyboardInterrupt where it was asked to stop, after a checkpoint.
    """
    reached, error = sitting.checkpoints.resume(planned), None
    if reached.epoch:
        sitting.watcher.pack_resumed(reached.epoch, sum(end is not None for end in reached.ends), key)
    try:
        if not all(reached.ends):
            _train(planned, sitting, reached, key)
    except Exception as raised:  # whatever it is, the other packs go on and the sweep tells of it at its end
        error = raised
    return outcome_of(planned, reached, error)


def outcome_of(planned: PlannedPack, reached: Unfinished, error: Exception | None) -> PackOutcome:
    """What a pack has come to, where `error` ended it before its time."""
    return PackOutcome(
        planned=planned,
        ends=reached.ends,
        reason=in_one_line(error) if error else "",
        epochs=reached.history.epochs(),
        layers=reached.history.layers(),
        analysed=reached.analysed,
        started=reached.started,
        ended=time(),
        seconds=reached.seconds,
        divisible=not isinstance(error, BadInput),
    )


def _train(planned: PlannedPack, sitting: Sitting, reached: Unfinished, key: str) -> None:
    """Train on from what was `reached`, which keeps up with it; the last checkpoint is the result."""
    before, began = reached.seconds, monotonic()
    data = _data(planned)
    for epoch in train(planned.pack, data, sitting.workers, reached.state):
        reached.history.add(epoch)
        for end in epoch.ended:
            reached.analysed[end.run] = _analysed(planned, data, epoch, end, sitting.instruments)
            reached.ends[end.run] = end
        reached.seconds = before + monotonic() - began
        sitting.watcher.epoch_done(epoch, key)
        if all(reached.ends):
            continue  # over, and its result stands below
        stop = sitting.stop()
        if stop or sitting.checkpoints.due():
            sitting.checkpoints.save(planned, replace(reached, state=epoch.state()))
        if stop:
            raise KeyboardInterrupt
    sitting.checkpoints.save(planned, replace(reached, state=None))


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


def dataset(config: DataConfig) -> Dataset:
    """The decoded arrays, which are those that the runs were planned for. Raises BadInput where these are gone."""
    loaded_by = DataConfig(
        name=config.name,
        dir=config.dir,
        path=config.path,
        digest=config.digest,
        examples=config.examples,
        noise=config.noise,
    )
    return _loaded(loaded_by)


@lru_cache(maxsize=2)  # the packs of a sweep mostly share one dataset, however each of them splits it
def _loaded(config: DataConfig) -> Dataset:
    return load(config)
