"""The launcher: composes all cells of a sweep, checks them, and passes them to the application."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hydra.core.hydra_config import HydraConfig
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from workbench.config import SETTINGS, setting_of
from workbench.engine.errors import BadInput
from workbench.filenames import folder_of
from workbench.quantities import counted
from workbench.redaction import redacted, redacted_override
from workbench.sweep.execution.interruption import EXIT_INTERRUPTED
from workbench.sweep.execution.log import warn
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.hydra.composing.cells import cells
from workbench.sweep.hydra.composing.composer import Composer
from workbench.sweep.hydra.internals import JobReturn, JobStatus
from workbench.sweep.planning.departures import cells_digest, departures, seedless, seeds_of, unasked, variant_name
from workbench.sweep.planning.unread_factors import never_read, refuse_unread_factors, remarks
from workbench.sweep.run_outcomes import PENDING
from workbench.sweep.settings import BatchesDone, SweepSettings

if TYPE_CHECKING:
    from workbench.sweep.planning.plan import PlannedCell

# Settings of the sweep as a whole: they cannot differ between its cells.
OF_THE_SWEEP = (
    "name", "description", "tracking.uri", "tracking.experiment", "tracking.wait_seconds", "reuse", "dry_run",
    "executor", "workers", "checkpoint_seconds", "fail_fast", "detach", "live",
    *(key for key in SETTINGS if key.startswith("slurm.")),
)  # fmt: skip


class Application(Protocol):
    """Trains the cells that the launcher has composed: `workbench/app.py`, which imports every room."""

    def prepare(self) -> None:
        """Get ready before any cell is composed: measures of a person's own become choices."""
        ...

    def run_sweep(self, cells: Sequence[Cell], settings: SweepSettings) -> int:
        """Train the cells as a sweep; the exit status."""
        ...

    def run_batch(
        self, cells: Sequence[Cell], settings: SweepSettings, metrics: Sequence[str]
    ) -> tuple[int, list[tuple[str, tuple[float, ...]]]]:
        """Train the cells as a batch of a search: the exit status, and of each cell its outcome and these metrics."""
        ...

    def better(self, metric: str) -> int:
        """1 if more of a metric is better, -1 if less is, 0 if neither."""
        ...

    def metrics(self) -> set[str]:
        """The numbers that a run may come to, analyses and measurements included."""
        ...

    def curves(self, name: str, uri: str | None) -> list[tuple[list[float], bool]]:
        """Of each cell of a sweep its least validation loss by each epoch, and whether its bounds stopped it."""
        ...

    def identify(self, cells: Sequence[Cell]) -> list[PlannedCell]:
        """The cells with the identities of their runs."""
        ...

    def sweeps_folder(self, uri: str | None) -> Path:
        """The folder of the sweeps of a store."""
        ...


class PackedLauncher(Launcher):
    """Passes Hydra's jobs, which are our cells, to the application in one call, so that they train together.

    `hydra_plugins/workbench.py` supplies the application. This file does not import it, nor is it imported by it.
    """

    def __init__(self) -> None:
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.composer: Composer | None = None  # one for all jobs, as its cache saves 50 ms a choice of groups
        self.file_jobs: Sequence[Sequence[str]] = ()  # the jobs of the sweep file alone, if more was typed
        self.tracking_uri: str | None = None  # of the latest batch
        self.searched = False  # whether a search chose the values; then unread settings were refused before

    def application(self) -> Application:
        """The application that trains the cells."""
        raise NotImplementedError

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        """Hydra's hook before `launch`. The task function is not called: cells are trained in packs."""
        self.application().prepare()
        self.hydra_context, self.config = hydra_context, config
        self.composer = Composer(hydra_context.config_loader, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Train every job. Ends the process with the application's exit status unless that is 0."""
        return self.train(job_overrides)

    def train(
        self,
        job_overrides: Sequence[Sequence[str]],
        name: str | None = None,
        remark: str = "",
        part_of: str = "",
        batches: BatchesDone | None = None,
    ) -> Sequence[JobReturn]:
        """Train every job as a sweep called `name` (None: its own name); `remark` is added to its description."""
        assert self.config is not None
        if not job_overrides:
            raise BadInput("the sweep has no cells: a range or list is empty")
        design = self._design(job_overrides)
        if not self.searched:
            refuse_unread_factors(design)
        asked = self._beside_the_file(replace(settings(design, self.config), remarks=tuple(remarks(design))), design)
        about = " ".join(part for part in (asked.description, remark) if part)
        named = replace(asked, name=name or asked.name, description=about, part_of=part_of, batches=batches)
        status = self.application().run_sweep(design, named)
        if status:
            raise SystemExit(status)
        return [JobReturn(overrides=cell.overrides, status=JobStatus.COMPLETED) for cell in design]

    def _beside_the_file(self, asked: SweepSettings, design: Sequence[Cell]) -> SweepSettings:
        """The settings completed by a comparison of the cells with those of the sweep file."""
        if not self.file_jobs:
            digest = cells_digest(design, [{cell.config.seed} for cell in design]) if asked.sweep else ""
            return replace(asked, file_digest=digest)
        held = self._design(seedless(self.file_jobs))
        seeds = [found or {cell.config.seed} for cell, found in zip(held, seeds_of(self.file_jobs), strict=True)]
        found = departures(design, held)
        beside = replace(
            asked, departures=found, unasked=unasked(design, held, seeds), file_digest=cells_digest(held, seeds)
        )
        if not found or not asked.sweep or design[0].config.name:
            return beside
        name = variant_name(asked.sweep, found, design, held)
        remark = f"other settings than those of {asked.sweep}: recorded as {name}, so that {asked.sweep} keeps its page"
        return replace(beside, name=name, remarks=(*beside.remarks, remark))

    def evaluate(
        self, job_overrides: Sequence[Sequence[str]], name: str, metrics: Sequence[str], part_of: str
    ) -> list[tuple[str, tuple[float, ...]]]:
        """Train every job as a sweep called `name`, a batch of `part_of`: the outcome of each and its metrics.

        Ends the process if it was interrupted, if runs failed with `fail_fast`, or if results could not be recorded: a
        search cannot continue without them.
        """
        # Imported late: Hydra's plugins import this file, and NumPy would be imported with it.
        from workbench.sweep.execution.failures import EXIT_FAILED

        design = self._design(job_overrides)
        assert self.config is not None
        asked = settings(design, self.config)
        self.tracking_uri = asked.tracking.uri
        status, found = self.application().run_batch(design, replace(asked, name=name, part_of=part_of), metrics)
        if status == EXIT_INTERRUPTED or (status and asked.fail_fast):
            raise SystemExit(status)
        if waiting := sum(outcome == PENDING for outcome, _ in found):
            warn(f"{part_of}: {counted(waiting, 'run')} of {name} without a result, so the search stops here; the same "
                "command goes on")  # fmt: skip
            raise SystemExit(status or EXIT_FAILED)
        return found

    def better(self, metric: str) -> int:
        """1 if more of a metric is better, -1 if less is, 0 if neither."""
        return self.application().better(metric)

    def metrics(self) -> set[str]:
        """The numbers that a run may come to, analyses and measurements included."""
        return self.application().metrics()

    def curves(self, name: str) -> list[tuple[list[float], bool]]:
        """Of each run of a batch its least validation loss by each epoch, and whether its bounds stopped it."""
        assert self.config is not None
        return self.application().curves(name, self.tracking_uri)

    def identify(self, job_overrides: Sequence[Sequence[str]]) -> list[PlannedCell]:
        """The jobs as planned cells. Raises BadInput for an invalid job."""
        return self.application().identify(self._design(job_overrides))

    def never_read(self, job_overrides: Sequence[Sequence[str]]) -> dict[str, str]:
        """The typed keys that none of the jobs reads, each with the reason. Raises BadInput for an invalid job."""
        return never_read(self._design(job_overrides))

    def place(self, job: Sequence[str], otherwise: str) -> tuple[str, Path, bool]:
        """The name of the sweep with a job like this, the folder of its files, and whether `dry_run` is set."""
        self.searched = True
        design = self._design([job])
        assert self.config is not None
        asked = settings(design, self.config)
        name = asked.name or otherwise
        return name, folder_of(self.application().sweeps_folder(asked.tracking.uri), name), asked.dry_run

    def _design(self, job_overrides: Sequence[Sequence[str]]) -> list[Cell]:
        assert self.composer is not None
        assert self.config is not None
        HydraConfig.instance().set_config(self.config)  # for interpolations such as ${hydra:job.name}
        return cells(self.composer, job_overrides)


def settings(design: Sequence[Cell], master: DictConfig) -> SweepSettings:
    """The settings of the sweep as a whole. Raises BadInput if its cells disagree on one."""
    for key in OF_THE_SWEEP:
        if len(found := {setting_of(cell.config, key) for cell in design}) > 1:
            values = ", ".join(sorted(redacted_override(str(value)) for value in found))
            raise BadInput(f"{key} is {values}; allowed: one value, it belongs to the sweep as a whole")
    config = design[0].config
    stem = _sweep_file(master.hydra.runtime.choices.get("sweep"))
    return SweepSettings(
        name=config.name or stem,
        description=redacted(config.description),
        sweep=stem,
        command=command(master),
        tracking=config.tracking,
        reuse=config.reuse,
        dry_run=config.dry_run,
        executor=config.executor,
        workers=config.workers,
        checkpoint_seconds=config.checkpoint_seconds,
        fail_fast=config.fail_fast,
        slurm=config.slurm,
        detach=config.detach,
        live=config.live,
    )


def _sweep_file(choice: str | None) -> str | None:
    """The chosen sweep file, by its name in `conf/sweep`. Its sweep and its claims have the same name."""
    parts = choice.split("/") if choice else []
    if any(not part.strip(".") or part.strip() != part or "\\" in part for part in parts):
        raise BadInput(f"sweep is {choice!r:.200}; allowed: the name of a file in conf/sweep, as +sweep=tour")
    return choice


def command(master: DictConfig) -> str:
    """The command that asks for this sweep, quoted for a shell. It is stored and shown, so secrets are left out."""
    typed = [*master.hydra.overrides.hydra, *master.hydra.overrides.task]
    said = [redacted_override(text) for text in typed if text != "hydra.mode=MULTIRUN"]
    return shlex.join(["python", "-m", "workbench", *said])
