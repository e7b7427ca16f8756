"""The only place that sees every room: it composes nothing and computes nothing, it wires.

A sweep goes: identify its runs -> skip what the store holds -> plan packs -> train them -> record -> report.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import places
from workbench.engine.backend import missing_cupy
from workbench.measure import INSTRUMENTS
from workbench.sweep.checkpoints import Checkpoints
from workbench.sweep.compose import Cell
from workbench.sweep.executors import EXECUTORS, PackOutcome, Sitting, dataset, free_memory, worker_count
from workbench.sweep.identity import data_digest
from workbench.sweep.interruption import Interruption
from workbench.sweep.launcher import SweepSettings
from workbench.sweep.measuring import BATCH_SECONDS, Batch, measured
from workbench.sweep.plan import Plan, PlannedCell, described, identified, plan, to_measure
from workbench.sweep.progress import watcher
from workbench.sweep.provenance import facts
from workbench.sweep.results import batch_result, pack_result
from workbench.sweep.store import Store, SweepRecord

if TYPE_CHECKING:
    from workbench.report.claim_files import Experiment
    from workbench.report.claims import Claim
    from workbench.report.page import Page

REPORTS, SWEEPS = Path("reports"), Path("sweeps")
FINISHED, FAILED, INTERRUPTED = 0, 1, 130  # exit statuses: all finished, some failed, Ctrl-C; bad input is 2
OUTCOMES = {FINISHED: "finished", FAILED: "failed", INTERRUPTED: "interrupted"}


def run_sweep(cells: Sequence[Cell], settings: SweepSettings) -> int:
    """Do what a command asks for: print the plan (`dry_run=true`), or train, record and report. The exit status."""
    planned = identified(cells, INSTRUMENTS)
    name = settings.name or f"sweep-{plan(planned, {}, free_memory()).digest[:8]}"
    if settings.dry_run:
        print(described(_plan(planned, _existing_store(settings), settings), name, str(REPORTS / f"{name}.html")))
        return FINISHED
    store = _open_store(settings)
    work = _plan(planned, store, settings)
    experiment = _experiment(settings.sweep or name)
    for config in {pack.examples.config for pack in work.packs}:
        dataset(config)  # what is missing or broken is said before anything is written
    _announce(work, name)
    store.begin(_record(work, name, settings, experiment.claims))
    checkpoints = Checkpoints(SWEEPS / name, settings.checkpoint_seconds)
    lost, interrupted = _train(work, store, checkpoints, settings)
    status = INTERRUPTED if interrupted else FAILED if lost else FINISHED
    store.end(OUTCOMES[status])
    page = write_report(name, experiment, settings.tracking.uri)
    store.attach([page.html, page.json])
    _conclude(lost, interrupted, page)
    return status


def write_report(name: str, experiment: Experiment, uri: str | None = None, folder: Path = REPORTS) -> Page:
    """Write the page of a sweep, and the index, from what the store holds. Nothing is trained."""
    from workbench.report.page import write, write_index
    from workbench.tracking.read import load

    page = write(load(name, uri), experiment.claims, folder, figures=experiment.figures)
    write_index(folder)
    return page


def _open_store(settings: SweepSettings) -> Store:
    from workbench.tracking.write import MlflowStore

    return MlflowStore(settings.tracking.uri, settings.tracking.experiment)


def _existing_store(settings: SweepSettings) -> Store | None:
    """The store, unless it would have to be created."""
    from workbench.tracking.location import is_there

    return _open_store(settings) if is_there(settings.tracking.uri) else None


def _plan(cells: Sequence[PlannedCell], store: Store | None, settings: SweepSettings) -> Plan:
    marks = [cell.fingerprint for cell in cells if not INSTRUMENTS.is_timing(cell.cell.config.measure)]
    held = store.held(marks) if store and settings.reuse else {}
    return plan(cells, held, free_memory())


def _experiment(stem: str) -> Experiment:
    from workbench.report.claim_files import experiment_of

    return experiment_of(stem)


def _record(work: Plan, name: str, settings: SweepSettings, claims: Sequence[Claim]) -> SweepRecord:
    from workbench.report.claims import canonical_rules

    datasets = {cell.cell.config.data for cell in work.cells}
    about = facts(str(work.cells[0].numbers["device"])) | {
        "description": settings.description,
        "dtype": ", ".join(sorted({str(cell.numbers["dtype"]) for cell in work.cells})),
        "departures": _departures(name, settings),
        "data_digest": ", ".join(sorted({f"{data.name} {data_digest(data)}" for data in datasets})),
    }
    return SweepRecord(
        name=name,
        digest=work.digest,
        command=settings.command,
        factors=work.factors(),
        cells=work.records(),
        facts=about,
        rules=canonical_rules(claims),
        # What a timing gave is of its moment: such a sweep begins anew, whatever the store holds of it.
        fresh=not settings.reuse or any(INSTRUMENTS.is_timing(cell.cell.config.measure) for cell in work.cells),
    )


def _departures(name: str, settings: SweepSettings) -> str:
    """What departs from the sweep file that the claims were fixed for, as JSON; "" where nothing does."""
    found = dict(settings.departures)
    if settings.sweep is None and places.find("conf/sweep", f"{name}.yaml"):
        found["the sweep file"] = (("not asked for",), ())
    return json.dumps(found) if found else ""


def _train(work: Plan, store: Store, checkpoints: Checkpoints, settings: SweepSettings) -> tuple[list[str], bool]:
    """Train every pack; recording one overlaps training the next. What was lost, a line each; whether Ctrl-C came."""
    lost: list[str] = []
    recorded: list[Future[None]] = []
    interrupted = False

    def record(outcome: PackOutcome) -> None:
        store.record(pack_result(outcome, work.cells))
        if all(outcome.ends):  # a pack that failed goes on from its checkpoint when it is tried again
            checkpoints.drop(outcome.planned.digest)

    with (
        ThreadPoolExecutor(1, "recorder") as recorder,
        watcher(work.runs_to_do, work.cost) as watch,
        Interruption() as interruption,
    ):
        sitting = Sitting(worker_count(settings.workers), watch, checkpoints, lambda: interruption.asked, INSTRUMENTS)
        try:
            for outcome in EXECUTORS[settings.executor](work.packs, sitting):
                recorded.append(recorder.submit(record, outcome))
                lost += _lost(outcome)
            for batch in _measured(work, sitting, recorded):
                recorded.append(recorder.submit(store.record, batch_result(batch, work.cells)))
                lost += [f"a measurement failed: {reason}" for reason in batch.reasons]
        except KeyboardInterrupt:
            interrupted = True
        for future in recorded:
            future.result()  # what went wrong while recording is said here
    return lost, interrupted


def _measured(work: Plan, sitting: Sitting, recorded: Sequence[Future[None]]) -> Iterator[Batch]:
    """Measure what is to be measured; times last and alone, when all else is recorded."""
    timings = [run for run in work.measurements if INSTRUMENTS.is_timing(run.config.measure)]
    others = [run for run in work.measurements if run not in timings]
    yield from measured(others, INSTRUMENTS, sitting.watcher, sitting.stop, BATCH_SECONDS)
    for future in recorded:
        future.result()
    yield from measured(timings, INSTRUMENTS, sitting.watcher, sitting.stop, math.inf)


def _lost(outcome: PackOutcome) -> list[str]:
    failed = sum(end is None for end in outcome.ends)
    return [f"{failed} runs failed ({outcome.planned.label}): {outcome.reason}"] if failed else []


def _announce(work: Plan, name: str) -> None:
    runs = len({cell.fingerprint for cell in work.cells})
    _say(
        f"{name}: {runs} runs, {len(work.held)} held already, {work.runs_to_train} to train in {len(work.packs)} packs"
        f"{to_measure(work)}"
    )
    for note in (missing_cupy(), _compiling(work)):
        if note:
            _say(note)


def _compiling(work: Plan) -> str:
    """A word where the first pack will be kept waiting by the compiler."""
    if not any(pack.pack.kernel == "compiled" for pack in work.packs):
        return ""
    from workbench.engine.compiled.jit import is_compiled

    return "" if is_compiled() else "compiling the engine's passes first, about 15 s; once on this machine"


def _conclude(lost: Sequence[str], interrupted: bool, page: Page) -> None:
    for line in lost:
        _say(line)
    if interrupted:
        _say("interrupted: the same command goes on where this one stopped")
    print(f"report: {page.html}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
