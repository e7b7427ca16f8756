"""From the outcome of a pack to the records that a store keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import time

import numpy as np

from workbench.sweep.execution.conditions import processor
from workbench.sweep.execution.measuring import MeasuredBatch, tables_of
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.instruments import Measured
from workbench.sweep.planning.identity import joint_digest
from workbench.sweep.planning.plan import PlannedCell
from workbench.sweep.run_outcomes import FAILED, FINISHED
from workbench.sweep.store import PackResult, RunRecord


def pack_result(outcome: PackOutcome, cells: Sequence[PlannedCell]) -> PackResult:
    """The records of every cell that asked for one of the pack's runs, and the pack's histories."""
    place = {mark: position for position, mark in enumerate(outcome.planned.fingerprints)}
    seconds = shares_of_time(outcome)
    records = [
        _record(cell, outcome, place[cell.fingerprint], float(seconds[place[cell.fingerprint]]))
        for cell in cells
        if cell.fingerprint in place
    ]
    tables = tables_of(outcome.planned.fingerprints, outcome.analysed)
    return PackResult(outcome.planned.digest, records, outcome.epochs, outcome.layers, tables)


def batch_result(batch: MeasuredBatch, cells: Sequence[PlannedCell]) -> PackResult:
    """The records of every cell that asked for one of the measurements of a batch, and their tables."""
    marks = [run.fingerprint for run in batch.runs]
    place = {mark: position for position, mark in enumerate(marks)}
    digest = joint_digest(marks)
    records = [
        _measured(cell, digest, batch.results[place[cell.fingerprint]], batch.spans[place[cell.fingerprint]])
        for cell in cells
        if cell.fingerprint in place
    ]
    found = [None if isinstance(result, str) else result for result in batch.results]
    return PackResult(digest, records, {}, {}, tables_of(marks, found))


def shares_of_time(outcome: PackOutcome) -> np.ndarray:
    """Each run's share of the pack's seconds, in proportion to its epochs: (runs,)."""
    epochs = np.array([end.epochs if end else 0 for end in outcome.ends], float)
    return outcome.seconds * epochs / max(epochs.sum(), 1)


def unfit_result(reasons: Mapping[str, str], cells: Sequence[PlannedCell]) -> PackResult:
    """The records of cells that were not tried: fingerprint -> reason."""
    now = time()
    records = [
        replace(_pending(cell), outcome=FAILED, reason=reasons[cell.fingerprint], started=now, ended=now)
        for cell in cells
        if cell.fingerprint in reasons
    ]
    return PackResult("unfit", records, {}, {})


def _record(cell: PlannedCell, outcome: PackOutcome, place: int, seconds: float) -> RunRecord:
    metrics = {"seconds": seconds}
    end, analysed = outcome.ends[place], outcome.analysed[place]
    if end is not None:
        metrics |= end.summary | {"epochs": end.epochs, "best_epoch": end.best_epoch}
        metrics |= analysed.metrics if analysed else {}
    return replace(
        _pending(cell),
        pack=outcome.planned.digest,
        outcome=end.outcome if end else FAILED,
        reason=end.reason if end else outcome.reason,
        metrics=metrics,
        weights_digest=end.weights_digest if end else "",
        started=outcome.started,
        ended=outcome.ended,
        processor="; then ".join(outcome.processors),
    )


def _measured(cell: PlannedCell, digest: str, result: Measured | str, span: tuple[float, float]) -> RunRecord:
    return replace(
        _pending(cell),
        pack=digest,
        outcome=FAILED if isinstance(result, str) else FINISHED,
        reason=result if isinstance(result, str) else "",
        metrics={"seconds": span[1] - span[0]} | ({} if isinstance(result, str) else result.metrics),
        started=span[0],
        ended=span[1],
        processor=processor(),  # measurements are taken by the process that records them
    )


def _pending(cell: PlannedCell) -> RunRecord:
    return RunRecord(
        cell=cell.cell.index,
        name=cell.name,
        fingerprint=cell.fingerprint,
        overrides=cell.cell.overrides,
        factors=dict(cell.cell.factors),
        params=dict(cell.numbers),
    )
