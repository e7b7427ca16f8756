"""Measurements as cells of a sweep: taken one after the other, and recorded in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, time

import numpy as np

from workbench.config import RunConfig
from workbench.engine.errors import in_one_line
from workbench.sweep.execution.messages import EpochDone, Message, PackDone, PackStarted
from workbench.sweep.instruments import Measured, Table
from workbench.sweep.planning.packs import Run
from workbench.sweep.run_outcomes import FINISHED

BATCH_SECONDS = 10.0  # results are handed on at least this often, so that an interruption costs no more
MEASURING = "measuring"  # the name of the pack by which the watcher counts measured cells
COST = 1e9  # of a cell, in the units of `PlannedPack.cost`: about half a second


@dataclass(frozen=True)
class MeasuredBatch:
    """Measured cells: the result of each, or the reason why it failed, and its start and end in unix seconds."""

    runs: tuple[Run, ...]
    results: tuple[Measured | str, ...]
    spans: tuple[tuple[float, float], ...]

    @property
    def reasons(self) -> dict[str, str]:
        """Why cells failed: fingerprint -> reason."""
        pairs = zip(self.runs, self.results, strict=True)
        return {run.fingerprint: result for run, result in pairs if isinstance(result, str)}

    def words(self) -> list[str]:
        """The outcome of every cell that was measured."""
        return [FINISHED for result in self.results if not isinstance(result, str)]


def measured(
    runs: Sequence[Run],
    measure: Callable[[RunConfig], Measured],
    on_message: Callable[[Message], None],
    stop: Callable[[], bool],
    every: float,
) -> Iterator[MeasuredBatch]:
    """Measure every run by `measure`. Yields a batch after `every` seconds, and the rest at the end or at a stop.

    If a measurement raises, only that one fails. Raises KeyboardInterrupt if it was stopped.
    """
    if not runs:
        return
    on_message(PackStarted(MEASURING, _label(runs), len(runs), len(runs), COST * len(runs)))
    done: list[tuple[Run, Measured | str, tuple[float, float]]] = []
    since, failed = monotonic(), 0
    for number, run in enumerate(runs, start=1):
        if stop():
            break
        done.append(_measure(run, measure))
        failed += isinstance(done[-1][1], str)
        on_message(EpochDone(MEASURING, number, runs=1, ended=not isinstance(done[-1][1], str)))
        if monotonic() - since >= every and number < len(runs):
            yield _batch(done)
            done, since = [], monotonic()
    if done:
        yield _batch(done)
    on_message(PackDone(MEASURING, failed))
    if stop():
        raise KeyboardInterrupt


def tables_of(marks: Sequence[str], results: Sequence[Measured | None]) -> dict[str, Table]:
    """The tables of several runs, concatenated by name. Each row has its run's fingerprint."""
    parts: dict[str, list[Table]] = {}
    for mark, result in zip(marks, results, strict=True):
        for name, table in (result.tables if result else {}).items():
            rows = len(next(iter(table.values()), ()))
            parts.setdefault(name, []).append({"fingerprint": np.full(rows, mark, dtype=object), **table})
    return {
        name: {column: np.concatenate([np.asarray(part[column]) for part in group]) for column in group[0]}
        for name, group in parts.items()
    }


def _measure(run: Run, measure: Callable[[RunConfig], Measured]) -> tuple[Run, Measured | str, tuple[float, float]]:
    started = time()
    try:
        result: Measured | str = measure(run.config)
    except (Exception, SystemExit) as error:  # the other cells continue; the sweep reports this one at its end
        result = in_one_line(error)
    return run, result, (started, time())


def _batch(done: list[tuple[Run, Measured | str, tuple[float, float]]]) -> MeasuredBatch:
    runs, results, spans = zip(*done, strict=True)
    return MeasuredBatch(runs, results, spans)


def _label(runs: Sequence[Run]) -> str:
    return ", ".join(dict.fromkeys(run.config.measure for run in runs))
