"""The trials of a search in order, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workbench.engine.errors import BadInput
from workbench.sweep.execution.log import say, warn
from workbench.sweep.planning.goals import Goal, on_pareto_front
from workbench.sweep.planning.journal import Journal, JournalContent, changed
from workbench.sweep.planning.pruning import NEVER, Pruning
from workbench.sweep.planning.study import SAMPLER, Dimension, Trial, TrialResult, needs_optuna, suggested

BOUNDS = "training.bounds"  # the setting of a run that a pruner gives


@dataclass(frozen=True)
class Kind:
    """The definition of a search; `parts` holds, by name, all that decides its trials and their results. `epochs` are
    those of a trial that is not stopped early, unless they are searched too.
    """

    space: Sequence[Dimension]
    goals: Sequence[Goal]
    seed: int
    batch: int
    parts: Mapping[str, object]
    sampler: str = SAMPLER
    pruning: Pruning = NEVER
    epochs: int = 0


class Trains(Protocol):
    """Trains the trials of the search called `name`."""

    name: str

    def runs(self, trials: Sequence[Trial]) -> list[tuple[str, str]]:
        """For each trial the digest of its runs, "" if the trial is impossible, and the reason."""
        ...

    def train(self, trials: Sequence[Trial]) -> list[TrialResult]:
        """The results of these trials, in their order."""
        ...


class Copies(Protocol):
    """Keeps a copy of the results for somebody else."""

    def keep(self, results: Sequence[TrialResult]) -> None:
        """Copy the results of all trials so far."""
        ...


class Search:
    """The progress of a search: `results` of the trials so far; `trials` is how many are requested. `copy` is brought
    up to date with every batch.
    """

    def __init__(self, kind: Kind, trials: int, journal: Journal, copy: Copies | None = None) -> None:
        self.kind, self.trials, self.journal, self.copy = kind, trials, journal, copy
        self.optuna = str(needs_optuna().__version__)
        self.results: list[TrialResult] = []
        self.resumed = 0  # how many of them an earlier start had

    def run(self, trainer: Trains) -> list[TrialResult]:
        """Train the trials that have no result yet, and return the results of all."""
        self.resume(trainer)
        self._copy()
        while asked := self.asked():
            self.results += trainer.train(asked)
            self._keep()
            self._copy()
            self._say_best(trainer.name)
        return self.results[: self.trials]

    def _copy(self) -> None:
        if self.copy:
            self.copy.keep(self.results)

    def _keep(self) -> None:
        try:
            self.journal.write(JournalContent(self.kind.parts, self.optuna, self.results))
        except OSError as error:  # a full disk: lost trials are suggested again, and the store holds their runs
            warn(f"{self.journal.file} could not be written ({error.strerror}); the search goes on without")

    def asked(self) -> list[Trial]:
        """The remaining trials of the next batch. They depend only on whole earlier batches, even after an
        interruption.
        """
        known = len(self.results) - len(self.results) % self.kind.batch
        numbers = range(len(self.results), min(known + self.kind.batch, self.trials))
        return [self._trial(number, self.results[:known]) for number in numbers]

    def _trial(self, number: int, earlier: Sequence[TrialResult]) -> Trial:
        """The trial of that number, with the bounds that stop it early."""
        from workbench.engine.training.early_stopping import text_of_bounds  # late: NumPy

        kind = self.kind
        trial = suggested(kind.space, kind.goals, kind.seed, number, earlier, kind.sampler, kind.batch)
        epochs = int(str(trial.values.get("training.epochs", kind.epochs)))
        bounds = text_of_bounds(kind.pruning.bounds(number, epochs, earlier))
        return Trial(number, {**trial.values, BOUNDS: bounds}) if bounds else trial

    def resume(self, trainer: Trains) -> None:
        """Continue from the journal of this search. Raises BadInput if the journal is of another one."""
        kept = self.journal.read()
        if kept is None:
            return
        difference = changed(kept.search, self.kind.parts)
        if not difference and [runs for runs, _ in trainer.runs([one.trial for one in kept.results])] != [
            one.runs for one in kept.results
        ]:
            difference = "other runs for the same trials: a file of conf/, the device or the kernel has changed"
        if difference:
            raise BadInput(
                f"name: the search {trainer.name} was begun with {difference}; give another name=, or delete "
                f"{self.journal.file} to begin it anew"
            )
        if kept.optuna != self.optuna:
            say(f"{trainer.name}: begun with Optuna {kept.optuna}, and this is {self.optuna}: from here on it may try "
                "other settings than it would have tried")  # fmt: skip
        self.results = kept.results
        self.resumed = len(self.results)
        say(f"{trainer.name}: goes on, {len(self.results)} of {self.trials} trials are there")

    def _say_best(self, name: str) -> None:
        if best := best_trials(self.kind.goals, self.results):
            stopped = sum(one.pruned for one in self.results)
            early = f", {stopped} stopped early" if stopped else ""
            say(f"{name}: {len(self.results)}/{self.trials} trials{early}, {_in_words(self.kind.goals, best)}")


def best_trials(goals: Sequence[Goal], results: Sequence[TrialResult]) -> list[TrialResult]:
    """The best trial by a single goal, the first of equals; by several those on the Pareto front. None if no trial has
    finite values yet.
    """
    ranked = [one for one in results if one.ranked]
    values = [one.values or () for one in ranked]
    found = [
        one for one, best in zip(ranked, on_pareto_front(values, [one.sign for one in goals]), strict=True) if best
    ]
    return found if len(goals) > 1 else found[:1]


def _in_words(goals: Sequence[Goal], best: Sequence[TrialResult]) -> str:
    if len(goals) > 1:
        return f"{len(best)} of them on the Pareto front of {' and '.join(goal.metric for goal in goals)}"
    [one], [goal] = best, goals
    assert one.values is not None
    values = " ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
                      for key, value in one.trial.values.items() if key != BOUNDS)  # fmt: skip
    return f"best {goal.metric} {one.values[0]:.4g} at {values}"
