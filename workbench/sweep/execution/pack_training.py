"""Training one pack to its end, from its checkpoint if it has one. Every executor uses this."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import lru_cache
from time import monotonic

import numpy as np

from workbench.config import DataConfig
from workbench.data import Dataset, RunData, load, prepare
from workbench.engine.rules.rule_files import install
from workbench.engine.training.epoch import Epoch, RunEnd, State, Weights
from workbench.engine.training.loop import never, train
from workbench.sweep.execution.compiling_ahead import Begins, nothing
from workbench.sweep.execution.conditions import processor
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.messages import EpochDone, PackResumed
from workbench.sweep.execution.outcome import PackOutcome, outcome_of
from workbench.sweep.execution.unfinished import Unfinished
from workbench.sweep.instruments import Instruments, Measured, Trained
from workbench.sweep.planning.packs import PlannedPack

Progress = Generator[PackResumed | EpochDone, None, PackOutcome]


def train_pack(planned: PlannedPack, context: ExecutionContext, begins: Begins = nothing) -> Progress:
    """Train one pack to its end, from its checkpoint if it has one; yields its progress and returns its outcome.

    `begins` is told of it, with its data, before it trains.

    If training raises, the outcome holds the reason. Raises KeyboardInterrupt if it was asked to stop, after a
    checkpoint.
    """
    reached = context.checkpoints.resume(planned)
    error: BaseException | None = None
    if reached.epoch:
        yield PackResumed(planned.digest, reached.epoch, sum(end is not None for end in reached.ends))
    try:
        if not all(reached.ends):
            yield from _train(planned, context, reached, begins)
    except (Exception, SystemExit) as raised:  # of a rule too; the other packs continue, and the sweep's end reports it
        error = raised
    return outcome_of(planned, reached, error)


def run_to_end(progress: Progress, on_message: Callable[[PackResumed | EpochDone], object]) -> PackOutcome:
    """The outcome of `train_pack`. Each message is passed to `on_message`."""
    while True:
        try:
            message = next(progress)
        except StopIteration as end:
            outcome: PackOutcome = end.value
            return outcome
        on_message(message)


def _train(
    planned: PlannedPack, context: ExecutionContext, reached: Unfinished, begins: Begins
) -> Generator[EpochDone, None, None]:
    """Continue from `reached`, which is updated; the last checkpoint is the result."""
    before, began = reached.seconds, monotonic()
    reached.processors = tuple(dict.fromkeys((*reached.processors, processor())))
    data = _data(planned)
    begins(planned, data)
    ahead = never if _is_analysed(planned, context) else lambda: not (context.stop() or context.checkpoints.due())
    for epoch in train(planned.pack, data, context.workers, reached.state or _begun(planned, data), ahead):
        reached.history.add(epoch)
        for end in epoch.ended:
            reached.analysed[end.run] = _analysed(planned, data, epoch, end, context)
            reached.ends[end.run] = end
        reached.seconds = before + monotonic() - began
        yield EpochDone.of(planned, epoch)
        if all(reached.ends) or not epoch.stands:
            continue  # every run has ended: the checkpoint after the loop is the result; or a later epoch has the state
        stop = context.stop()
        if stop or context.checkpoints.due():
            context.checkpoints.save(planned, replace(reached, state=epoch.state()))
        if stop:
            raise KeyboardInterrupt
    context.checkpoints.save(planned, replace(reached, state=None))


def _is_analysed(planned: PlannedPack, context: ExecutionContext) -> bool:
    """Whether a run's weights are asked for when it ends."""
    return bool(context.besides) or any(planned.analyses)


def _analysed(
    planned: PlannedPack, data: RunData, epoch: Epoch, end: RunEnd, context: ExecutionContext
) -> Measured | None:
    """The results of the analyses of a run that has just ended; None if it has none, or diverged."""
    names = "+".join(dict.fromkeys(filter(None, f"{planned.analyses[end.run]}+{context.besides}".split("+"))))
    instruments = context.instruments
    if not names or end.outcome != "finished":
        return None
    assert instruments is not None, "a run asks for analyses, but the context has no instruments"
    mine = np.array([end.run])
    return instruments.analyse(
        names,
        Trained(planned.pack.take(mine), data.take(mine), epoch.weights(mine), lambda: _state_of(epoch, end.run)),
    )


def try_own_analyses(packs: Sequence[PlannedPack], instruments: Instruments) -> None:
    """Take the analyses that a person brought of an untrained network each. Raises BadInput if one raises."""
    tried: set[str] = set()
    for planned in packs:
        for run, names in enumerate(planned.analyses):
            own = instruments.own_among(names) if names else ""
            if not own or own in tried:
                continue
            tried.add(own)
            mine = np.array([run])
            pack = planned.pack.take(mine)
            data = _data(planned.take(mine))
            install(pack.rules)
            start = pack.layout(data).initial(pack.columns, np.dtype(pack.dtype))
            instruments.analyse(own, Trained(pack, data, Weights(start, start, start)))


def _state_of(epoch: Epoch, run: int) -> State:
    """The state of one run of a pack after an epoch."""
    return {name: values if name == "epoch" else values[[run]] for name, values in epoch.state().items()}


def _begun(planned: PlannedPack, data: RunData) -> State | None:
    """What a pack begins with: the state of the run that it goes on from, if there is one."""
    if planned.origin is None:
        return None
    size = planned.pack.layout(data).size
    return planned.origin.begin(planned.pack.runs, size, same_judge=planned.same_judge)


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
        planned.examples.test_noise,
    )


def dataset(config: DataConfig) -> Dataset:
    """The decoded arrays that the runs were planned for. Raises BadInput if the data are no longer available."""
    loaded_by = DataConfig(
        name=config.name,
        dir=config.dir,
        path=config.path,
        digest=config.digest,
        examples=config.examples,
        noise=config.noise,
        permute_pixels=config.permute_pixels,
        spectrum=config.spectrum,
    )
    return _loaded(loaded_by)


@lru_cache(maxsize=2)  # the packs of a sweep mostly share one dataset, however each of them splits it
def _loaded(config: DataConfig) -> Dataset:
    return load(config)
