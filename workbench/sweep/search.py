"""The sweeper that searches: whatever is swept over is tried where Optuna expects the best, instead of on a grid.

Trials come in batches, and a batch is a sweep: its runs train together in packs. Seeds are not searched; a trial is
judged by the mean over them. At the end all trials are one sweep with one page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.core.utils import JobReturn

from workbench.config import SETTINGS
from workbench.engine.errors import BadInput
from workbench.sweep.launcher import PackedLauncher
from workbench.sweep.log import say
from workbench.sweep.study import DIRECTIONS, Dimension, Goal, Study, Trial, judged
from workbench.sweep.sweeper import GridSweeper, refuse_several_sweeps

AVERAGED = "seed"


class OptunaSweeper(GridSweeper):
    """Searches `trials` settings, `batch` of them at a time, for the best `metric`; `params` as in the grid's sweeper.

    `key=interval(a,b)` is searched between a and b, `key=tag(log,interval(a,b))` on a logarithmic scale, and what has
    a list of values among these. The study is stored in the sweep's folder, and the same command goes on with it; with
    more `trials` it goes on further.
    """

    def __init__(
        self, params: Mapping[str, Any], trials: int, batch: int, metric: str, direction: str, seed: int
    ) -> None:
        super().__init__(params, {})
        self.trials, self.batch, self.seed = trials, batch, seed
        self.goal = Goal(metric, direction)

    def sweep(self, arguments: list[str]) -> Any:
        """Search, then launch all trials as one sweep, which the store holds by then."""
        if not isinstance(self.launcher, PackedLauncher):
            raise BadInput("hydra/launcher is not ours; allowed: packed (who trains is chosen by executor=)")
        refuse_several_sweeps(self._parse(arguments))
        self._check()
        from workbench.sweep.identity import text_digest  # late: NumPy comes with it

        space, fixed = self.split([*self._parse_config(), *arguments])
        rest = self._grid(fixed)
        name, folder = self.launcher.place(rest[0], f"search-{text_digest(' '.join([*arguments, str(space)]))[:8]}")
        study = Study(folder / "study.db", name, space, self.goal.direction, self.seed)
        while missing := max(self.trials - len(study.done), 0):
            self._try(study, study.batch(min(self.batch, missing)), rest, name)
        every = [job for trial in study.done for job in jobs(trial, rest)]
        return [self._launch([[*job, f"name={name}"] for job in every])]

    def _check(self) -> None:
        """Hydra would wrap what the constructor raises."""
        if self.goal.direction not in DIRECTIONS:
            allowed = ", ".join(DIRECTIONS)
            raise BadInput(f"hydra.sweeper.direction is {self.goal.direction!r}; allowed: one of {allowed}")
        if min(self.trials, self.batch) < 1:
            raise BadInput(f"hydra.sweeper: {self.trials} trials, {self.batch} a batch; allowed: at least 1 of each")

    def split(self, arguments: Sequence[str]) -> tuple[list[Dimension], list[str]]:
        """What is searched, and the other overrides. Of two overrides of one key the later counts."""
        last = {override.key_or_group: override for override in self._parse(list(arguments))}
        searched = {key: found for key, override in last.items() if (found := dimension(override))}
        if not searched:
            raise BadInput("hydra/sweeper=optuna: nothing to search; type key=interval(low,high) or key=choice(a,b)")
        fixed = [text for text, override in zip(arguments, self._parse(list(arguments)), strict=True)
                 if override.key_or_group not in searched]  # fmt: skip
        return list(searched.values()), fixed

    def _try(self, study: Study, batch: Sequence[Trial], rest: Sequence[Sequence[str]], name: str) -> None:
        """Train a batch and tell the study what came out."""
        assert isinstance(self.launcher, PackedLauncher)
        asked = [job for trial in batch for job in jobs(trial, rest)]
        part = f"{name}/trials-{batch[0].number:04d}-{batch[-1].number:04d}"
        outcomes = self.launcher.evaluate(asked, part, self.goal.metric)
        for position, trial in enumerate(batch):
            study.tell(trial, judged(outcomes[position * len(rest) : (position + 1) * len(rest)], self.goal))
        if best := study.best():
            values = " ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
                              for key, value in best[0].items())  # fmt: skip
            say(f"{name}: {len(study.done)}/{self.trials} trials, best {self.goal.metric} {best[1]:.4g} at {values}")

    def _launch(self, every: Sequence[Sequence[str]]) -> Sequence[JobReturn]:
        assert isinstance(self.launcher, PackedLauncher)
        return self.launcher.launch(every, initial_job_idx=0)


def dimension(override: Override) -> Dimension | None:
    """What an override gives to search; None where it gives one value, or seeds. Raises BadInput for a strange key."""
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


def jobs(trial: Trial, rest: Sequence[Sequence[str]]) -> list[list[str]]:
    """The overrides of the runs of a trial: one for each seed."""
    own = [f"{key}={value!r}" if isinstance(value, float) else f"{key}={value}" for key, value in trial.values.items()]
    return [[*job, *own] for job in rest]
