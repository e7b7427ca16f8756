"""Trains the trials of a search: the runs of a batch, as a sweep, and what its trials came to."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.config.setting import Value
from workbench.engine.errors import BadInput
from workbench.sweep.execution.log import say
from workbench.sweep.hydra.launcher import PackedLauncher
from workbench.sweep.planning.goals import Goal, judged
from workbench.sweep.planning.study import Trial, TrialResult
from workbench.sweep.planning.trials import BOUNDS


class TrialTrainer:
    """Trains the trials of one search. `rest` holds the other overrides of a trial's runs, one row for each seed."""

    def __init__(
        self, launcher: PackedLauncher, rest: Sequence[Sequence[str]], name: str, goals: Sequence[Goal]
    ) -> None:
        self.launcher, self.rest, self.name, self.goals = launcher, rest, name, goals
        self.keeps_curves = False

    def jobs(self, trials: Sequence[Trial]) -> list[list[str]]:
        """The overrides of all runs of these trials."""
        return [job for trial in trials for job in jobs(trial, self.rest)]

    def part(self, trials: Sequence[Trial]) -> str:
        """The name of the sweep that trains these trials."""
        return f"{self.name}/trials-{trials[0].number:04d}-{trials[-1].number:04d}"

    def runs(self, trials: Sequence[Trial]) -> list[tuple[str, str]]:
        """For each trial the digest of its runs, "" if the trial is impossible, and the reason."""
        from workbench.sweep.planning.identity import joint_digest

        if not trials:
            return []
        try:
            marks = [cell.fingerprint for cell in self.launcher.identify(self.jobs(trials))]
        except BadInput as error:
            return [self.runs([trial])[0] for trial in trials] if len(trials) > 1 else [("", str(error))]
        count = len(self.rest)
        return [(joint_digest(marks[place : place + count]), "") for place in range(0, len(marks), count)]

    def train(self, trials: Sequence[Trial]) -> list[TrialResult]:
        """The results of these trials, in their order."""
        runs = self.runs(trials)
        possible = [trial for trial, (digest, _) in zip(trials, runs, strict=True) if digest]
        metrics = [goal.metric for goal in self.goals]
        found = self.launcher.evaluate(self.jobs(possible), self.part(trials), metrics, self.name) if possible else []
        curves = iter(self.launcher.curves(self.part(trials)) if possible and self.keeps_curves else ())
        outcomes, results = iter(found), []
        for trial, (digest, reason) in zip(trials, runs, strict=True):
            if digest:
                values = judged([next(outcomes) for _ in self.rest], self.goals)
                curve, pruned = together([next(curves) for _ in self.rest]) if self.keeps_curves else ((), False)
                reason = "" if values is not None else "a run of it failed"
                results.append(TrialResult(trial, values, digest, reason, curve, pruned))
            else:
                say(f"{self.name}: trial {trial.number} is impossible and counts as the worst: {reason}")
                results.append(TrialResult(trial, tuple(goal.worst for goal in self.goals), "", reason))
        return results


def together(runs: Sequence[tuple[list[float], bool]]) -> tuple[tuple[float, ...], bool]:
    """The curve of a trial, the mean over its runs as far as all of them were trained, and whether one was stopped."""
    mean = tuple(sum(losses) / len(losses) for losses in zip(*(curve for curve, _ in runs), strict=False))
    return mean, any(stopped for _, stopped in runs)


def jobs(trial: Trial, rest: Sequence[Sequence[str]]) -> list[list[str]]:
    """The overrides of the runs of a trial, one run for each seed."""
    own = [f"{key}={_typed(key, value)}" for key, value in trial.values.items()]
    return [[*job, *own] for job in rest]


def _typed(key: str, value: Value) -> str:
    """A value as it is typed on the command line."""
    return repr(value) if isinstance(value, float) or key == BOUNDS else str(value)
