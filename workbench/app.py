"""Wires the rooms together; the only file that imports all of them. It decides nothing itself.

The steps of a sweep: identify its runs -> skip those that the store holds -> plan packs -> train -> record -> report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench import places
from workbench.filenames import folder_of
from workbench.measure import INSTRUMENTS
from workbench.measure.own_files import FOLDER
from workbench.output import on_one_line
from workbench.report import wording
from workbench.report.page.folder import REPORTS, make, page_file
from workbench.sweep.execution.announcement import announce, show_plan
from workbench.sweep.execution.checkpoints import Checkpoints
from workbench.sweep.execution.failures import EXIT_FAILED, EXIT_FINISHED, conclude, show_end
from workbench.sweep.execution.lock import locked
from workbench.sweep.execution.log import logged, say
from workbench.sweep.execution.pack_training import dataset
from workbench.sweep.execution.sweep_training import SweepTraining
from workbench.sweep.gone_on_from import Origin
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.planning.devices import choose
from workbench.sweep.planning.going_on import going_on
from workbench.sweep.planning.identity import sweep_name
from workbench.sweep.planning.plan import Plan, PlannedCell, identified
from workbench.sweep.planning.remaining import remaining
from workbench.sweep.planning.speed import Speeds
from workbench.sweep.planning.sweep_record import record_of
from workbench.sweep.settings import SweepSettings
from workbench.sweep.store import Earlier, Store
from workbench.tracking.location import sweeps_folder
from workbench.tracking.lone_writer import written_alone
from workbench.tracking.opening import existing_store, open_store

__all__ = [
    "EXIT_FAILED", "EXIT_FINISHED", "REPORTS", "better", "curves", "identify", "metrics", "prepare", "run_batch",
    "run_sweep", "sweeps_folder",
]  # fmt: skip


def run_sweep(cells: Sequence[Cell], settings: SweepSettings) -> int:
    """Do what a command asks for: print the plan (`dry_run=true`), or train, record and report. The exit status."""
    planned = identify(cells)
    name = settings.name or sweep_name(cell.fingerprint for cell in planned)
    root = sweeps_folder(settings.tracking.uri)
    folder = folder_of(root, name)
    training = SweepTraining.of(settings, Checkpoints(folder, settings.checkpoint_seconds), INSTRUMENTS)
    if settings.dry_run:
        return _show_plan(planned, name, training, Speeds(root), settings)
    if settings.pages:
        make(REPORTS)  # early, so that a folder that cannot be made is reported before anything is trained
    with locked(folder, name), logged(folder), written_alone(settings.tracking.uri):
        store = open_store(settings.tracking)
        with store.hold(name, folder):
            return _run(planned, name, store, training, Speeds(root), settings)


def prepare() -> None:
    """Let the measures of the working folder join ours. Raises BadInput for a name that is taken."""
    for line in INSTRUMENTS.bring(places.theirs(FOLDER)):
        say(on_one_line(line))


def identify(cells: Sequence[Cell]) -> list[PlannedCell]:
    """The cells with the identities of their runs. Raises BadInput if a device, dataset or `from_run` is not there."""
    choose({cell.config.device for cell in cells})
    return identified(going_on(cells, _origin), INSTRUMENTS)


def _origin(run_id: str, uri: str | None) -> Origin:
    from workbench.tracking.models import load_origin  # late: only a sweep that goes on from a run reads one

    return load_origin(run_id, uri)


def run_batch(
    cells: Sequence[Cell], settings: SweepSettings, metrics: Sequence[str]
) -> tuple[int, list[tuple[str, tuple[float, ...]]]]:
    """Train the cells as a sweep: the exit status, and for each cell its outcome and these metrics (NaN for none)."""
    from workbench.tracking.trial_outcomes import trial_outcomes  # late: pandas comes with it

    assert settings.name is not None
    status = run_sweep(cells, settings)
    return status, trial_outcomes(settings.name, settings.tracking.uri, metrics)


def better(metric: str) -> int:
    """1 if more of a metric is better, -1 if less is, 0 if neither."""
    return wording.metric(metric).better


def metrics() -> set[str]:
    """The numbers that a run may come to, analyses and measurements included."""
    from workbench.report.verdicts.arms import known_metrics  # late: pandas comes with it

    return known_metrics()


def curves(name: str, uri: str | None) -> list[tuple[list[float], bool]]:
    """Of each cell of a sweep its least validation loss by each epoch, and whether its bounds stopped it."""
    from workbench.tracking.trial_outcomes import trial_curves  # late: pandas comes with it

    return trial_curves(name, uri)


def _show_plan(
    cells: Sequence[PlannedCell], name: str, training: SweepTraining, speeds: Speeds, settings: SweepSettings
) -> int:
    store = existing_store(settings.tracking)
    earlier = store.earlier(name) if store else None
    reused = store if settings.reuse else None
    work = _remaining(cells, reused, earlier, training)
    settings = replace(settings, remarks=(*settings.remarks, *_of_claims(cells, name, settings)))
    page = str(page_file(name, REPORTS)) if settings.pages else f"none; {settings.part_of} has one in the end"
    show_plan(work, name, page, training.estimate(work, speeds), settings, training.forecast(work))
    return EXIT_FINISHED


def _of_claims(cells: Sequence[PlannedCell], name: str, settings: SweepSettings) -> list[str]:
    """What the claims of the sweep could decide. Raises BadInput if one of them has an open arm."""
    from workbench.report import sweep_page  # late: pandas and Matplotlib come with it
    from workbench.report.verdicts.arms import refuse_open_arms
    from workbench.report.verdicts.foresight import foreseen

    if not settings.as_the_file_says:
        return []
    experiment = sweep_page.experiment_of_sweep(settings.sweep, name)
    refuse_open_arms(experiment.claims, [cell.cell for cell in cells])
    return foreseen(experiment.claims)


def _remaining(
    cells: Sequence[PlannedCell], reused: Store | None, earlier: Earlier | None, training: SweepTraining
) -> Plan:
    kept = training.checkpoints.packs()
    return remaining(cells, reused, earlier, kept, training.packs_at_once, INSTRUMENTS, training.memory)


def _run(
    cells: Sequence[PlannedCell],
    name: str,
    store: Store,
    training: SweepTraining,
    speeds: Speeds,
    settings: SweepSettings,
) -> int:
    from workbench.report import live_beside, pages_beside, sweep_page  # late: pandas and Matplotlib come with it
    from workbench.report.verdicts.arms import refuse_open_arms
    from workbench.report.verdicts.stored_rules import canonical_rules

    training.tidy()
    earlier = store.earlier(name)
    reused = store if settings.reuse else None
    work = _remaining(cells, reused, earlier, training)
    experiment = sweep_page.experiment_of_sweep(settings.sweep, name)
    if settings.as_the_file_says:
        refuse_open_arms(experiment.claims, [cell.cell for cell in cells])
    for config in {pack.examples.config for pack in work.packs}:
        dataset(config)  # early, so that missing or broken data are reported before anything is written
    training.check(work)
    sweep = record_of(work, name, settings, canonical_rules(experiment.claims, settings.file_digest), INSTRUMENTS)
    announce(work, earlier, sweep, settings, INSTRUMENTS.own_files)
    store.begin(sweep)
    if address := store.address():
        say(f"in MLflow: {address}")
    if any(INSTRUMENTS.is_timing(run.config.measure) for run in work.measurements):
        pages_beside.settle()
    with live_beside.beside(sweep, work, settings.tracking.uri, settings.live and settings.pages) as listener:
        ended = training.run(work, store, speeds, listener)
    if done := settings.batches:
        ended = ended.with_batches(work.held_since(done.first, name), done.seconds)
    to_show = experiment if settings.pages else None
    pages = sweep_page.close(store, ended.word, name, to_show, settings.tracking.uri)
    conclude(ended, work.cells, training.checkpoints.folder)
    status = max(EXIT_FAILED, ended.status) if pages is None else ended.status
    if settings.pages:
        written = [page.html for page in pages or ()]
        show_end(name, ended, status, work.cells, written, [store.address(page.name) for page in written])
    return status
