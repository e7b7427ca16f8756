"""The launcher: composes all cells of a sweep, checks them, and hands them to the application."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from workbench.config import TrackingConfig, flatten
from workbench.engine.errors import BadInput
from workbench.filenames import folder_of
from workbench.redaction import redacted, redacted_override
from workbench.sweep.execution.interruption import INTERRUPTED
from workbench.sweep.execution.log import counted, warn
from workbench.sweep.hydra.compose import Cell, Composer, cells
from workbench.sweep.hydra.internals import JobReturn, JobStatus
from workbench.sweep.planning.departures import Departures, departures
from workbench.sweep.planning.unread_factors import never_read, refuse_unread_factors, remarks

if TYPE_CHECKING:
    from workbench.sweep.planning.plan import PlannedCell

PENDING = "pending"  # as in `store`, which NumPy comes with: Hydra's plugins import this
# What is decided once for a sweep, so it cannot differ between its cells.
OF_THE_SWEEP = (
    "name", "description", "tracking.uri", "tracking.experiment", "tracking.wait_seconds", "reuse", "dry_run",
    "executor", "workers", "checkpoint_seconds", "fail_fast",
)  # fmt: skip


@dataclass(frozen=True)
class SweepSettings:
    """What a command asks for beside its cells.

    `name` is the setting, else the stem of the sweep file, else None: such a sweep is named by its digest. `sweep` is
    that stem, or None; `command` repeats the sweep exactly, but for secrets; `departures` are the settings that
    its file does not hold; `part_of` is the search that this is a batch of, "" for none: a batch has no page;
    `remarks` are what is to be said of the settings.
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
    part_of: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def pages(self) -> bool:
        """Whether there is to be a page."""
        return not self.part_of


class PackedLauncher(Launcher):
    """Hydra's jobs are our cells; they train together, so there is one call for all of them."""

    def __init__(self) -> None:
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.composer: Composer | None = None  # one for all that is composed: a choice of groups costs 50 ms, once
        self.file_jobs: Sequence[Sequence[str]] = ()  # of the sweep file alone, where more was typed
        self.searched = False  # then what is varied was not asked for as a grid, and it has been trained

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        """Hydra's hook before `launch`. The task function is not called: cells are trained in packs."""
        self.hydra_context, self.config = hydra_context, config
        self.composer = Composer(hydra_context.config_loader, config)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:  # noqa: ARG002
        """Train every job; ends the process with the application's exit status unless that is 0."""
        return self.train(job_overrides)

    def train(
        self, job_overrides: Sequence[Sequence[str]], name: str | None = None, remark: str = "", part_of: str = ""
    ) -> Sequence[JobReturn]:
        """Train every job, as a sweep of that name (None: as asked for); `remark` is added to its description."""
        assert self.config is not None
        if not job_overrides:
            raise BadInput("nothing is asked for: a range or list of the sweep is empty")
        design = self._design(job_overrides)
        if not self.searched:
            refuse_unread_factors(design)
        file_cells = self._design(self.file_jobs)
        departed = departures(design, file_cells) if file_cells else {}
        asked = replace(settings(design, self.config), remarks=tuple(remarks(design)))
        about = " ".join(part for part in (asked.description, remark) if part)
        named = replace(asked, name=name or asked.name, description=about, part_of=part_of)
        status = _run(design, replace(named, departures=departed))
        if status:
            raise SystemExit(status)
        return [JobReturn(overrides=cell.overrides, status=JobStatus.COMPLETED) for cell in design]

    def evaluate(
        self, job_overrides: Sequence[Sequence[str]], name: str, metric: str, part_of: str
    ) -> list[tuple[str, float]]:
        """Train every job as a sweep called `name`, a batch of `part_of`: the outcome of each and its metric.

        Ends the process where it was interrupted, where runs failed with `fail_fast`, and where results are not
        recorded yet: what they came to is not known, so a search cannot go on from them.
        """
        from workbench.app import FAILED, run_batch

        design = self._design(job_overrides)
        assert self.config is not None
        asked = settings(design, self.config)
        status, found = run_batch(design, replace(asked, name=name, part_of=part_of), metric)
        if status == INTERRUPTED or (status and asked.fail_fast):
            raise SystemExit(status)
        if waiting := sum(outcome == PENDING for outcome, _ in found):
            warn(f"{part_of}: {counted(waiting, 'run')} of {name} without a result, so the search stops here; the same "
                "command goes on")  # fmt: skip
            raise SystemExit(status or FAILED)
        return found

    def identify(self, job_overrides: Sequence[Sequence[str]]) -> list[PlannedCell]:
        """The jobs as planned cells. Raises BadInput where one of them cannot be."""
        from workbench.app import identify

        return identify(self._design(job_overrides))

    def never_read(self, job_overrides: Sequence[Sequence[str]]) -> dict[str, str]:
        """The typed keys that none of the jobs reads, each with why. Raises BadInput if a job cannot be."""
        return never_read(self._design(job_overrides))

    def place(self, job: Sequence[str], otherwise: str) -> tuple[str, Path, bool]:
        """The name of the sweep that a job like this one belongs to, the folder of its files, and whether it is dry."""
        from workbench.app import sweeps_folder

        self.searched = True
        design = self._design([job])
        assert self.config is not None
        asked = settings(design, self.config)
        name = asked.name or otherwise
        return name, folder_of(sweeps_folder(asked.tracking.uri), name), asked.dry_run

    def _design(self, job_overrides: Sequence[Sequence[str]]) -> list[Cell]:
        assert self.composer is not None
        assert self.config is not None
        HydraConfig.instance().set_config(self.config)  # for interpolations such as ${hydra:job.name}
        return cells(self.composer, job_overrides)


def settings(design: Sequence[Cell], master: DictConfig) -> SweepSettings:
    """The settings of the sweep as a whole. Raises BadInput where its cells disagree on one."""
    flat = [flatten(cell.config) for cell in design]
    for key in OF_THE_SWEEP:
        if len(found := {cell[key] for cell in flat}) > 1:
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
    )


def _sweep_file(choice: str | None) -> str | None:
    """The chosen sweep file, by its name in `conf/sweep`: its sweep and its claims are called so as well."""
    parts = choice.split("/") if choice else []
    if any(not part.strip(".") or part.strip() != part or "\\" in part for part in parts):
        raise BadInput(f"sweep is {choice!r:.200}; allowed: the name of a file in conf/sweep, as +sweep=tour")
    return choice


def command(master: DictConfig) -> str:
    """The command that asks for this sweep, quoted for a shell. Secrets are left out: it is kept, shown and shared."""
    typed = [*master.hydra.overrides.hydra, *master.hydra.overrides.task]
    said = [redacted_override(text) for text in typed if text != "hydra.mode=MULTIRUN"]
    return shlex.join(["python", "-m", "workbench", *said])


def _run(design: Sequence[Cell], of_the_sweep: SweepSettings) -> int:
    from workbench.app import run_sweep  # sees every room, so it is imported last of all

    return run_sweep(design, of_the_sweep)
