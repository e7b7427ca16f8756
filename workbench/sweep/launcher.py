"""The launcher: composes all cells of a sweep, checks them, and hands them to the application."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from workbench.config import TrackingConfig, flatten
from workbench.engine.errors import BadInput
from workbench.sweep.compose import Cell, cells
from workbench.sweep.departures import Departures, departures
from workbench.sweep.interruption import INTERRUPTED

# What is decided once for a sweep, so it cannot differ between its cells.
OF_THE_SWEEP = (
    "name", "description", "tracking.uri", "tracking.experiment", "tracking.wait_seconds", "reuse", "dry_run",
    "executor", "workers", "checkpoint_seconds", "fail_fast",
)  # fmt: skip


@dataclass(frozen=True)
class SweepSettings:
    """What a command asks for beside its cells.

    `name` is the setting, else the stem of the sweep file, else None: such a sweep is named by its digest. `sweep` is
    that stem, or None; `command` repeats the sweep exactly; `departures` are the settings that
    its file does not hold; `pages` is whether there is to be a page.
    """

    name: str | None
    description: str
    sweep: str | None
    command: str
    tracking: TrackingConfig
    reuse: bool
    dry_run: bool
    executor: str
    workers: int | None
    checkpoint_seconds: float
    fail_fast: bool
    departures: Departures = field(default_factory=dict)
    pages: bool = True


class PackedLauncher(Launcher):
    """Hydra's jobs are our cells; they train together, so there is one call for all of them."""

    def __init__(self) -> None:
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.file_jobs: Sequence[Sequence[str]] = ()  # of the sweep file alone, where more was typed

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        """Hydra's hook before `launch`. The task function is not called: cells are trained in packs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Train every job; ends the process with the application's exit status unless that is 0."""
        assert self.config is not None
        if not job_overrides:
            raise BadInput("nothing is asked for: a range or list of the sweep is empty")
        design = self._design(job_overrides)
        file_cells = self._design(self.file_jobs)
        departed = departures(design, file_cells) if file_cells else {}
        status = _run(design, replace(settings(design, self.config), departures=departed))
        if status:
            raise SystemExit(status)
        return [JobReturn(overrides=cell.overrides, status=JobStatus.COMPLETED) for cell in design]

    def evaluate(self, job_overrides: Sequence[Sequence[str]], name: str, metric: str) -> list[tuple[str, float]]:
        """Train every job as a sweep called `name`, without a page: the outcome of each and its metric.

        Ends the process where it was interrupted.
        """
        from workbench.app import run_batch

        design = self._design(job_overrides)
        assert self.config is not None
        status, found = run_batch(design, replace(settings(design, self.config), name=name, pages=False), metric)
        if status == INTERRUPTED:
            raise SystemExit(status)
        return found

    def place(self, job: Sequence[str], otherwise: str) -> tuple[str, Path]:
        """The name of the sweep that a job like this one belongs to, and the folder of its files."""
        from workbench.app import sweeps_folder

        design = self._design([job])
        assert self.config is not None
        asked = settings(design, self.config)
        name = asked.name or otherwise
        return name, sweeps_folder(asked.tracking.uri) / name

    def _design(self, job_overrides: Sequence[Sequence[str]]) -> list[Cell]:
        assert self.hydra_context is not None
        assert self.config is not None
        HydraConfig.instance().set_config(self.config)  # for interpolations such as ${hydra:job.name}
        return cells(self.hydra_context.config_loader, self.config, job_overrides)


def settings(design: Sequence[Cell], master: DictConfig) -> SweepSettings:
    """The settings of the sweep as a whole. Raises BadInput where its cells disagree on one."""
    flat = [flatten(cell.config) for cell in design]
    for key in OF_THE_SWEEP:
        if len(found := {cell[key] for cell in flat}) > 1:
            values = ", ".join(sorted(map(str, found)))
            raise BadInput(f"{key} is {values}; allowed: one value, it belongs to the sweep as a whole")
    config = design[0].config
    stem = master.hydra.runtime.choices.get("sweep")
    return SweepSettings(
        name=config.name or stem,
        description=config.description,
        sweep=stem,
        command=command(master),
        tracking=config.tracking,
        reuse=config.reuse,
        dry_run=config.dry_run,
        executor=config.executor,
        workers=config.workers,
        checkpoint_seconds=config.checkpoint_seconds,
        fail_fast=config.fail_fast,
    )


def command(master: DictConfig) -> str:
    """The command that asks for this sweep, quoted for a shell."""
    typed = [*master.hydra.overrides.hydra, *master.hydra.overrides.task]
    return shlex.join(["python", "-m", "workbench", *(text for text in typed if text != "hydra.mode=MULTIRUN")])


def _run(design: Sequence[Cell], of_the_sweep: SweepSettings) -> int:
    from workbench.app import run_sweep  # sees every room, so it is imported last of all

    return run_sweep(design, of_the_sweep)
