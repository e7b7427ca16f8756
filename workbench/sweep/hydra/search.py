"""The sweeper for searches: Optuna suggests the values to try, instead of a grid.

Trials come in batches. A batch is a sweep: its runs train together in packs. Seeds are not searched; the value of a
trial is the mean over them. At the end all trials are one sweep with one page.

A batch depends only on the batches before it. So a search that was killed, or that gets more trials later, tries the
same values as one without interruption.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, fields
from time import monotonic
from typing import TYPE_CHECKING

from workbench.config import SETTINGS, allowed, check, meant, unknown
from workbench.engine.errors import BadInput
from workbench.quantities import counted
from workbench.sweep.execution.lock import locked
from workbench.sweep.execution.log import logged, say
from workbench.sweep.hydra.internals import IntervalSweep, JobReturn, Override, options_of
from workbench.sweep.hydra.launcher import PackedLauncher
from workbench.sweep.hydra.search_goals import goals, shown
from workbench.sweep.hydra.sweeper import GridSweeper, refuse_several_sweeps
from workbench.sweep.hydra.trial_trainer import TrialTrainer, jobs
from workbench.sweep.planning.goals import Goal
from workbench.sweep.planning.journal import Journal
from workbench.sweep.planning.pruning import NO_PRUNER, PRUNERS, Pruning
from workbench.sweep.planning.study import (
    GENETIC,
    SAMPLER,
    SAMPLERS,
    SMALLEST_POPULATION,
    Dimension,
    Trial,
    TrialResult,
    needs_optuna,
    suggested,
)
from workbench.sweep.planning.study_copy import StudyCopy
from workbench.sweep.planning.trials import Kind, Search
from workbench.sweep.settings import BatchesDone

if TYPE_CHECKING:
    from workbench.sweep.planning.plan import PlannedCell

AVERAGED = "seed"
PRUNABLE = {("best_validation_loss", "minimize"), ("last_validation_loss", "minimize")}  # what a pruner can judge
LARGEST_INTEGER = 2**53  # beyond it not every integer is a float
LOOKED_AT = 32  # trials examined before a search is refused because all of them are impossible


class OptunaSweeper(GridSweeper):
    """Searches for the best `metric`, or the Pareto front of several, in `trials` trials, `batch` at a time.

    `direction` says of each metric whether to minimize or maximize it (None: what is better of it). `params` as in the
    grid's sweeper.

    `key=interval(a,b)` is searched between a and b, `key=tag(log,interval(a,b))` on a logarithmic scale, and a list of
    values among these. The results are kept in the sweep's folder. The same command continues from them, also with
    more `trials`.
    """

    def __init__(
        self, params: object, trials: int, batch: int, metric: object, direction: object, seed: int,
        sampler: str = SAMPLER, pruner: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(params, {})
        self.trials, self.batch, self.seed, self.sampler = trials, batch, seed, sampler
        self.metric, self.direction, self.pruner = metric, direction, dict(pruner or {})
        self.goals: tuple[Goal, ...] = ()

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        """Search, then launch all trials as one sweep, whose runs the store then holds."""
        if not isinstance(self.launcher, PackedLauncher):
            raise BadInput("hydra/launcher is not Workbench's; allowed: packed (who trains is chosen by executor=)")
        refuse_several_sweeps(self._parse(arguments))
        self._check()
        from workbench.sweep.planning.identity import text_digest  # late: it imports NumPy

        space, fixed = self.split([*self._parse_config(), *arguments])
        self._check_space(space)
        rest = self._grid(fixed)
        named = f"search-{text_digest(' '.join([*arguments, str(space)]))[:8]}"
        jobs = self._possible(space, rest)
        name, folder, dry_run = self.launcher.place(jobs[0], named)
        trainer = TrialTrainer(self.launcher, rest, name, self.goals)
        planned = self.launcher.identify(jobs)
        self._check_metrics()
        epochs = int(str(planned[0].numbers["training.epochs"]))
        identity = self.identity(space, planned)
        kind = Kind(space, self.goals, self.seed, self.batch, identity, self.sampler, self.pruning, epochs)
        trainer.keeps_curves = self.pruning.name != NO_PRUNER
        if dry_run:
            return self._plan(Search(kind, self.trials, Journal(folder)), trainer)
        with locked(folder, name), logged(folder), closing(StudyCopy(folder, name, space, self.goals)) as copy:
            search, began = Search(kind, self.trials, Journal(folder), copy), monotonic()
            results = search.run(trainer)
        earlier = sum(bool(one.runs) for one in results[: search.resumed])
        done = BatchesDone(len(trainer.rest) * earlier, monotonic() - began)
        return [self._launch_all(results, trainer, done)]

    def _check(self) -> None:
        """Check the settings here, because Hydra would wrap an error of the constructor."""
        assert isinstance(self.launcher, PackedLauncher)
        self.goals = goals(self.metric, self.direction, self.launcher.better)
        if self.sampler not in SAMPLERS:
            raise BadInput(f"hydra.sweeper.sampler is {self.sampler!r}; allowed: one of {', '.join(SAMPLERS)}")
        self._check_pruner()
        if min(self.trials, self.batch) < 1:
            raise BadInput(f"hydra.sweeper: {self.trials} trials, {self.batch} a batch; allowed: at least 1 of each")
        if self.sampler == GENETIC and self.batch < SMALLEST_POPULATION:
            raise BadInput(
                f"hydra.sweeper.batch is {self.batch}; allowed with hydra.sweeper.sampler={GENETIC}, whose population "
                f"is a batch: an integer, x >= {SMALLEST_POPULATION}"
            )

    def _check_metrics(self) -> None:
        """Raise BadInput for a metric that no run has, before a batch is trained for it."""
        assert isinstance(self.launcher, PackedLauncher)
        known = self.launcher.metrics()
        for goal in self.goals:
            if goal.metric not in known:
                curves = ", ".join(sorted(name for name in known if name.startswith(("best_", "last_"))))
                raise BadInput(
                    f"hydra.sweeper.metric is {goal.metric!r}; {meant(goal.metric, known)}allowed: one of {curves}, "
                    f"and what analyses and measurements find"
                )

    @property
    def pruning(self) -> Pruning:
        """How bad trials are stopped early."""
        return Pruning(**self.pruner)  # type: ignore[arg-type]  # checked before

    def _check_pruner(self) -> None:
        known = {one.name: one for one in fields(Pruning)}
        for key, value in self.pruner.items():
            if key not in known:
                raise BadInput(f"hydra.sweeper.pruner.{key} is no setting; allowed: {', '.join(known)}")
            if key == "name" and value not in PRUNERS:
                raise BadInput(f"hydra.sweeper.pruner.name is {value!r}; allowed: one of {', '.join(PRUNERS)}")
            if key != "name" and (type(value) is not int or value < (2 if key == "factor" else 1)):
                least = 2 if key == "factor" else 1
                raise BadInput(f"hydra.sweeper.pruner.{key} is {value!r}; allowed: an integer, x >= {least}")
        if self.pruning.name == NO_PRUNER:
            return
        if len(self.goals) > 1:
            raise BadInput(
                f"hydra.sweeper.pruner.name is {self.pruning.name!r}, and Optuna stops no trials early by several "
                f"metrics; allowed with hydra.sweeper.metric={shown(self.metric)}: {NO_PRUNER}"
            )
        [goal] = self.goals
        if (goal.metric, goal.direction) not in PRUNABLE:
            raise BadInput(
                f"hydra.sweeper.pruner.name is {self.pruning.name!r}, which judges by the validation loss; allowed "
                f"with hydra.sweeper.metric={goal.metric}, direction={goal.direction}: {NO_PRUNER}"
            )

    def split(self, arguments: Sequence[str]) -> tuple[list[Dimension], list[str]]:
        """The dimensions of the search, and the other overrides. The later of two overrides of one key counts."""
        last = {override.key_or_group: override for override in self._parse(list(arguments))}
        searched = {key: found for key, override in last.items() if (found := dimension(override))}
        if not searched:
            raise BadInput("hydra/sweeper=optuna: nothing to search; type key=interval(low,high) or key=choice(a,b)")
        fixed = [text for text, override in zip(arguments, self._parse(list(arguments)), strict=True)
                 if override.key_or_group not in searched]  # fmt: skip
        return list(searched.values()), fixed

    def _check_space(self, space: Sequence[Dimension]) -> None:
        """Raise BadInput for values that no trial can have. Invalid combinations show only when they are tried."""
        assert self.hydra_context is not None
        needs_optuna()
        for one in space:
            if not one.choices:
                _check_interval(one)
            one.distribution()
            groups = options_of(self.hydra_context.config_loader, one.key)
            for choice in one.choices if one.key in SETTINGS else ():
                check(one.key, self._parse([f"{one.key}={choice}"])[0].value())
            if strangers := [choice for choice in one.choices if groups and choice not in groups]:
                raise BadInput(f"{one.key} is {strangers[0]!r}; allowed: one of {', '.join(groups)}")
            if one.key.replace(".", "").isidentifier() and one.key not in SETTINGS and not groups:
                raise BadInput(unknown(one.key))

    def _possible(self, space: Sequence[Dimension], rest: Sequence[Sequence[str]]) -> list[list[str]]:
        """The jobs of one possible trial, for the settings that all runs of the search share.

        Raises BadInput if `LOOKED_AT` trials are all impossible, or if none of them reads a dimension.
        """
        assert isinstance(self.launcher, PackedLauncher)
        found: list[list[str]] = []
        first: BadInput | None = None
        unread: dict[str, str] | None = None  # None until a possible trial was examined
        for trial in [Trial(-1, {}), *(suggested(space, self.goals, self.seed, k, ()) for k in range(LOOKED_AT))]:
            asked = jobs(trial, rest)
            try:
                if not found:
                    self.launcher.identify(asked)
                reasons = self.launcher.never_read(asked[:1]) if trial.values else None
            except BadInput as error:
                first = first or error
                continue
            found = found or asked
            if reasons is None:
                continue
            dimensions = [one.key for one in space] if unread is None else unread
            unread = {key: reasons[key] for key in dimensions if key in reasons}
            if not unread or not any(one.choices for one in space):
                break  # only choices decide which settings are read, numbers do not
        if first and not found:
            raise first
        for key, why in (unread or {}).items():
            raise BadInput(f"{key} is searched, but nothing reads it {why}")
        return found

    def identity(self, space: Sequence[Dimension], planned: Sequence[PlannedCell]) -> dict[str, object]:
        """The identity of the search, part by part: a change of any part makes another search."""
        from workbench.engine.training.loop import NUMERICAL_VERSION

        parts: dict[str, object] = {
            f"hydra.sweeper.{key}": ",".join(getattr(goal, key) for goal in self.goals)
            for key in ("metric", "direction")
        }
        parts |= {"hydra.sweeper.seed": self.seed, "hydra.sweeper.batch": self.batch, "the sampler": self.sampler}
        if self.pruning.name != NO_PRUNER:
            parts |= {f"hydra.sweeper.pruner.{key}": value for key, value in asdict(self.pruning).items()}
        parts |= {one.key: str(one) for one in sorted(space, key=lambda one: one.key)}
        parts |= {key: value for key, value in planned[0].numbers.items() if key not in parts and key != AVERAGED}
        parts[AVERAGED] = ",".join(str(cell.numbers.get(AVERAGED)) for cell in planned)
        parts["the digest of the data"] = str(planned[0].cell.config.data.digest)
        return {**parts, "the engine's numerical version": NUMERICAL_VERSION}

    def _plan(self, search: Search, trainer: TrialTrainer) -> list[Sequence[JobReturn]]:
        """Print the plan of the next batch; later batches depend on its results."""
        assert isinstance(self.launcher, PackedLauncher)
        search.resume(trainer)
        asked = search.asked()
        say(f"{trainer.name}: {counted(self.trials, 'trial')}, {self.batch} at a time; {len(search.results)} are there")
        possible = [trial for trial, (runs, _) in zip(asked, trainer.runs(asked), strict=True) if runs]
        if not possible:
            return []
        return [self.launcher.train(trainer.jobs(possible), trainer.part(asked), part_of=trainer.name)]

    def _launch_all(
        self, results: Sequence[TrialResult], trainer: TrialTrainer, done: BatchesDone
    ) -> Sequence[JobReturn]:
        """Launch all possible trials as one sweep."""
        assert isinstance(self.launcher, PackedLauncher)
        impossible = [one.reason for one in results if not one.runs]
        if len(impossible) == len(results):
            raise BadInput(f"{trainer.name}: none of {counted(len(results), 'trial')} is possible: {impossible[-1]}")
        remark = f"{len(impossible)} of {len(results)} trials are impossible: {impossible[-1]}" if impossible else ""
        possible = trainer.jobs([one.trial for one in results if one.runs])
        return self.launcher.train(possible, trainer.name, remark, batches=done)


def dimension(override: Override) -> Dimension | None:
    """The dimension that an override gives; None for a single value or seeds. Raises BadInput for an invalid key."""
    key = override.key_or_group
    if not override.is_sweep_override() or key == AVERAGED:
        return None
    value = override.value()
    if isinstance(value, IntervalSweep):
        if key not in SETTINGS or SETTINGS[key].kind not in (int, float):
            raise BadInput(f"{override.input_line}: an interval is for a setting that is a number")
        assert value.start is not None
        assert value.end is not None
        return Dimension(key, float(value.start), float(value.end), "log" in value.tags)
    return Dimension(key, choices=tuple(override.sweep_string_iterator()))


def _check_interval(one: Dimension) -> None:
    """Raise BadInput for an interval that is empty, leaves the setting's range, or cannot be drawn from."""
    setting = SETTINGS[one.key]
    low = float("-inf") if setting.low is None else setting.low
    high = float("inf") if setting.high is None else setting.high
    widest = LARGEST_INTEGER if setting.kind is int else sys.float_info.max
    if not (low <= one.low <= one.high <= high) or not one.high - one.low <= widest:
        raise BadInput(f"{one.key}: found an interval from {one.low!r} to {one.high!r}; allowed: {allowed(setting)}")
