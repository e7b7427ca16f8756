"""From what became of a pack to the records that a store keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.engine.epoch import RunEnd
from workbench.sweep.executors import PackOutcome
from workbench.sweep.plan import PlannedCell
from workbench.sweep.store import FAILED, PackResult, RunRecord


def pack_result(outcome: PackOutcome, cells: Sequence[PlannedCell]) -> PackResult:
    """The records of every cell that asked for one of the pack's runs, and the pack's histories."""
    place = {mark: position for position, mark in enumerate(outcome.planned.fingerprints)}
    seconds = shares_of_time(outcome)
    records = [
        _record(cell, outcome, outcome.ends[place[cell.fingerprint]], float(seconds[place[cell.fingerprint]]))
        for cell in cells
        if cell.fingerprint in place
    ]
    return PackResult(outcome.planned.digest, records, outcome.epochs, outcome.layers)


def shares_of_time(outcome: PackOutcome) -> np.ndarray:
    """Each run's share of the pack's seconds, by the epochs it trained: (runs,)."""
    epochs = np.array([end.epochs if end else 0 for end in outcome.ends], float)
    return (outcome.ended - outcome.started) * epochs / max(epochs.sum(), 1)


def _record(cell: PlannedCell, outcome: PackOutcome, end: RunEnd | None, seconds: float) -> RunRecord:
    metrics = {"seconds": seconds}
    if end is not None:
        metrics |= end.summary | {"epochs": end.epochs, "best_epoch": end.best_epoch}
    return RunRecord(
        cell=cell.cell.index,
        name=cell.name,
        fingerprint=cell.fingerprint,
        pack=outcome.planned.digest,
        overrides=cell.cell.overrides,
        factors=dict(cell.cell.factors),
        params=dict(cell.numbers),
        outcome=end.outcome if end else FAILED,
        reason=end.reason if end else outcome.reason,
        metrics=metrics,
        weights_digest=end.weights_digest if end else "",
        started=outcome.started,
        ended=outcome.ended,
    )
