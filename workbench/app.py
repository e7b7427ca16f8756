"""The only place that sees every room: it composes nothing and computes nothing, it wires.

A sweep goes: identify its runs -> skip what the store holds -> plan packs -> train them -> record -> report.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import output, places
from workbench.engine.backend import missing_cupy
from workbench.engine.errors import BadInput
from workbench.engine.kernels.choice import why_not_compiled
from workbench.filenames import folder_of
from workbench.measure import INSTRUMENTS
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.conditions import facts
from workbench.sweep.execution.cores import cores
from workbench.sweep.execution.executors import EXECUTORS
from workbench.sweep.execution.failures import FAILED, FINISHED, OUTCOMES, Ended, as_document, failures
from workbench.sweep.execution.interruption import Interruption
from workbench.sweep.execution.lock import locked
from workbench.sweep.execution.log import counted, logged, note, say, warn
from workbench.sweep.execution.measuring import BATCH_SECONDS, Batch, measured
from workbench.sweep.execution.pack_training import PackOutcome, Sitting, dataset
from workbench.sweep.execution.progress import watcher
from workbench.sweep.execution.recorder import Recorder
from workbench.sweep.execution.results import unfit_result
from workbench.sweep.execution.rounding import hidden
from workbench.sweep.hydra.compose import Cell
from workbench.sweep.hydra.launcher import SweepSettings
from workbench.sweep.planning.changes import changes
from workbench.sweep.planning.free_memory import free_memory
from workbench.sweep.planning.identity import joint_digest
from workbench.sweep.planning.packs import Room
from workbench.sweep.planning.plan import Plan, PlannedCell, as_data, described, identified, plan, to_measure
from workbench.sweep.planning.speed import Speeds
from workbench.sweep.store import Earlier, Store, SweepRecord

if TYPE_CHECKING:
    from workbench.report.claim_files import Experiment
    from workbench.report.claims import Claim
    from workbench.report.page import Page

REPORTS, SWEEPS = Path("reports"), "sweeps"


def run_sweep(cells: Sequence[Cell], settings: SweepSettings) -> int:
    """Do what a command asks for: print the plan (`dry_run=true`), or train, record and report. The exit status."""
    planned = identified(cells, INSTRUMENTS)
    name = settings.name or f"sweep-{joint_digest(cell.fingerprint for cell in planned)[:8]}"
    root = sweeps_folder(settings.tracking.uri)
    folder = folder_of(root, name)
    checkpoints = Checkpoints(folder, settings.checkpoint_seconds)
    if settings.dry_run:
        work = _plan(planned, name, _existing_store(settings), checkpoints, settings)
        time = Speeds(root).foretell(work.packs, cores())
        for line in (*settings.remarks, *_uncompiled(work)):
            say(line)
        page = str(_page_of(name)) if settings.pages else f"none; {settings.part_of} has one in the end"
        output.show("plan", described(work, name, page, time), lambda: as_data(work, name, page, time))
        return FINISHED
    if settings.pages:
        _check_reports()
    with locked(folder, name), logged(folder):
        return _run(planned, name, checkpoints, Speeds(root), settings)


def identify(cells: Sequence[Cell]) -> list[PlannedCell]:
    """The cells with the identities of their runs. Raises BadInput where a device or dataset is not to be had."""
    return identified(cells, INSTRUMENTS)


def run_batch(cells: Sequence[Cell], settings: SweepSettings, metric: str) -> tuple[int, list[tuple[str, float]]]:
    """Train the cells as a sweep: the exit status, and of each cell its outcome and a metric (NaN without)."""
    from workbench.tracking.read import load

    assert settings.name is not None
    status = run_sweep(cells, settings)
    runs = load(settings.name, settings.tracking.uri).runs.sort_values("cell")
    finished = runs[runs["outcome"] == "finished"]
    if len(finished) and (metric not in runs or finished[metric].isna().all()):
        known = [name for name in map(str, runs) if name.startswith(("best_", "last_"))]
        known = [name for name in known if finished[name].notna().any()]
        raise BadInput(f"hydra.sweeper.metric is {metric!r}; allowed: one of {', '.join(known)}")
    values = runs[metric] if metric in runs else [math.nan] * len(runs)
    return status, [(str(outcome), float(value)) for outcome, value in zip(runs["outcome"], values, strict=True)]


def write_report(name: str, experiment: Experiment, uri: str | None = None, folder: Path = REPORTS) -> Page:
    """Write the page of a sweep, and the index, from what the store holds. Nothing is trained."""
    from workbench.report.claim_files import known_claims
    from workbench.report.index import write_index
    from workbench.report.page import write
    from workbench.tracking.read import load

    page = write(load(name, uri), experiment.claims, folder, figures=experiment.figures)
    write_index(folder, known_claims())
    return page


def _run(
    cells: Sequence[PlannedCell], name: str, checkpoints: Checkpoints, speeds: Speeds, settings: SweepSettings
) -> int:
    store = _open_store(settings)
    with store.hold(name):
        return _run_held(cells, name, store, checkpoints, speeds, settings)


def _run_held(
    cells: Sequence[PlannedCell],
    name: str,
    store: Store,
    checkpoints: Checkpoints,
    speeds: Speeds,
    settings: SweepSettings,
) -> int:
    checkpoints.tidy()
    earlier = store.earlier(name)
    work = _plan(cells, name, store, checkpoints, settings)
    experiment = _experiment(settings.sweep, name)
    for config in {pack.examples.config for pack in work.packs}:
        dataset(config)  # what is missing or broken is said before anything is written
    sweep = _record(work, name, settings, experiment.claims)
    _announce(work, name, earlier, sweep, settings)
    store.begin(sweep)
    ended = _train(work, store, checkpoints, speeds, settings)
    pages = _close(name, experiment, store, ended, settings)
    _conclude(work, ended, pages or (), checkpoints)
    status = max(FAILED, ended.status) if pages is None else ended.status
    if settings.pages:
        files = [page.html for page in pages or ()]
        text = "\n".join(f"report: {file}" for file in files)
        output.show("sweep", text, lambda: as_document(name, ended, status, work.cells, files))
    return status


def sweeps_folder(uri: str | None) -> Path:
    """Where sweeps keep their checkpoints, locks and logs: beside an SQLite store, else in the working folder."""
    from workbench.tracking.location import locate

    file = locate(uri).file
    folder = file.resolve().parent if file else Path.cwd()  # one store has one folder, whatever links lead to it
    return Path(SWEEPS) if folder == Path.cwd() else folder / SWEEPS


def _check_reports() -> None:
    """What would keep the page from being written is said before anything is trained."""
    from workbench.report.folder import make

    make(REPORTS)


def _page_of(name: str) -> Path:
    from workbench.report.folder import stem

    return REPORTS / f"{stem(name, REPORTS)}.html"


def _open_store(settings: SweepSettings, to_read: bool = False) -> Store:
    from workbench.tracking.write import MlflowStore

    tracking = settings.tracking
    return MlflowStore(tracking.uri, tracking.experiment, tracking.wait_seconds, to_read)


def _existing_store(settings: SweepSettings) -> Store | None:
    """The store, only to be read, unless it would have to be created."""
    from workbench.tracking.location import is_there

    return _open_store(settings, to_read=True) if is_there(settings.tracking.uri) else None


def _plan(
    cells: Sequence[PlannedCell], name: str, store: Store | None, checkpoints: Checkpoints, settings: SweepSettings
) -> Plan:
    marks = [cell.fingerprint for cell in cells if not INSTRUMENTS.is_timing(cell.cell.config.measure)]
    held = store.held(marks) if store and settings.reuse else {}
    earlier = store.earlier(name) if store else None
    same = earlier and earlier.digest == joint_digest(cell.fingerprint for cell in cells)
    memory = min(free_memory(device) for device in {str(cell.numbers["device"]) for cell in cells})
    room = Room(memory, _workers(settings) if settings.executor == "processes" else 1)
    return plan(cells, held, room, [*checkpoints.packs(), *(earlier.packs if earlier and same else ())])


def _experiment(sweep: str | None, name: str) -> Experiment:
    """What the sweep file's claims are; a file that only has the name of this sweep may be anything."""
    from workbench.report.claim_files import Experiment, experiment_of
    from workbench.report.experiment_files import declares_itself

    try:
        if sweep and (file := places.find("experiments", f"{sweep}.py")) and not declares_itself(file):
            say(f"experiments/{sweep}.py is not run: a file of claims sets CLAIMS and imports from workbench")
        return experiment_of(sweep or name)
    except BadInput as error:
        if sweep:
            raise
        say(f"{error}; the page has no claims")
        return Experiment()


def _record(work: Plan, name: str, settings: SweepSettings, claims: Sequence[Claim]) -> SweepRecord:
    from workbench.report.claims import canonical_rules

    datasets = {cell.cell.config.data for cell in work.cells}
    about = facts(str(work.cells[0].numbers["device"])) | {
        "description": settings.description,
        "sweep_file": settings.sweep or "",
        "dtype": ", ".join(sorted({str(cell.numbers["dtype"]) for cell in work.cells})),
        "departures": _departures(name, settings),
        "part_of": settings.part_of,
        "data_digest": ", ".join(sorted({f"{data.name} {data.digest}" for data in datasets})),
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


def _train(work: Plan, store: Store, checkpoints: Checkpoints, speeds: Speeds, settings: SweepSettings) -> Ended:
    """Train every pack; recording one overlaps training the next."""
    reasons, interrupted, done = dict(work.unfit), False, []
    with (
        Interruption() as interruption,
        Recorder(store, work.cells, checkpoints) as recorder,
        watcher(work.runs_to_do + len(work.held), work.cost, len(work.held)) as watch,
    ):
        sitting = Sitting(_workers(settings), watch, checkpoints, lambda: interruption.asked, INSTRUMENTS)
        if reasons:
            recorder.take(unfit_result(reasons, work.cells))
        try:
            for outcome in EXECUTORS[settings.executor](work.packs, sitting):
                recorder.take(outcome)
                done.append(outcome)
                reasons |= _reasons(outcome)
                if reasons and settings.fail_fast:
                    break
            else:
                for batch in _measured(work, sitting, recorder):
                    recorder.take(batch)
                    reasons |= batch.reasons
                    if reasons and settings.fail_fast:
                        break
        except KeyboardInterrupt:
            interrupted = True
    speeds.learn([(outcome.planned, outcome.seconds) for outcome in done if not outcome.failed], cores())
    return Ended(reasons, len(recorder.unrecorded), interrupted, len(recorder.lost))


def _measured(work: Plan, sitting: Sitting, recorder: Recorder) -> Iterator[Batch]:
    """Measure what is to be measured; times last and alone, when all else is recorded."""
    timings = [run for run in work.measurements if INSTRUMENTS.is_timing(run.config.measure)]
    others = [run for run in work.measurements if run not in timings]
    yield from measured(others, INSTRUMENTS, sitting.watcher, sitting.stop, BATCH_SECONDS)
    recorder.wait()
    yield from measured(timings, INSTRUMENTS, sitting.watcher, sitting.stop, math.inf)


def _workers(settings: SweepSettings) -> int:
    return settings.workers or cores()


def _reasons(outcome: PackOutcome) -> dict[str, str]:
    ends = zip(outcome.planned.fingerprints, outcome.ends, strict=True)
    return {mark: outcome.reason for mark, end in ends if end is None}


def _close(
    name: str, experiment: Experiment, store: Store, ended: Ended, settings: SweepSettings
) -> tuple[Page, ...] | None:
    """Close the sweep and write its page, where it is to have one.

    What goes wrong here costs no run, so it is said and no more: None.
    """
    try:
        store.end(OUTCOMES[ended.status])
        if not settings.pages:
            return ()
        page = write_report(name, experiment, settings.tracking.uri)
        store.attach(page.files)
    except Exception as error:
        reason = str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
        warn(f"the page could not be written: {reason.splitlines()[0]}; the runs are kept, the same command writes it")
        note(traceback.format_exc())
        return None
    return (page,)


def _announce(work: Plan, name: str, earlier: Earlier | None, sweep: SweepRecord, settings: SweepSettings) -> None:
    runs = len({cell.fingerprint for cell in work.cells})
    note(f"command: {settings.command}")
    say(
        f"{name}: {counted(runs, 'run')}, {len(work.held)} held already, {work.runs_to_train} to train "
        f"in {counted(len(work.packs), 'pack')}{to_measure(work)}"
    )
    remarks = (
        *settings.remarks,
        *work.remarks(),
        *changes(name, earlier, work, sweep.facts),
        missing_cupy(),
        *hidden(work.packs),
        *_uncompiled(work),
        _compiling(work),
    )
    for line in remarks:
        if line:
            say(line)


def _uncompiled(work: Plan) -> list[str]:
    """A line for each reason why runs are left to the plain kernel that Numba would train."""
    reasons = dict.fromkeys(why_not_compiled(pack.pack) for pack in work.packs)
    return [f"{reason}: the plain kernel trains, two to three times slower" for reason in reasons if reason]


def _compiling(work: Plan) -> str:
    """A word where the first pack will be kept waiting by the compiler."""
    if not any(pack.pack.kernel == "compiled" for pack in work.packs):
        return ""
    from workbench.engine.kernels.compiled.jit import cache_folder, is_compiled

    if is_compiled():
        return ""
    often = "once on this machine" if cache_folder() else "at every start, as no cache folder can be written to"
    return f"compiling the engine's passes first, about 20 s; {often}"


def _conclude(work: Plan, ended: Ended, pages: Sequence[Page], checkpoints: Checkpoints) -> None:
    for line in (*failures(ended.reasons, work.cells), *ended.words(checkpoints.folder)):
        warn(line)
    for page in pages:
        note(f"report: {page.html}")
