"""The next trial of a search: a function of the search space, the seed, the trial's number and the earlier results.

Every trial has a new Optuna sampler that knows all earlier batches. So a trial depends neither on the trials that a
killed process had already suggested nor on the total number of trials.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING

from workbench.config import SETTINGS
from workbench.config.setting import Value
from workbench.engine.errors import BadInput
from workbench.sweep.planning.goals import Goal

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

GENETIC = "NSGA-II"  # its population is a batch
SMALLEST_POPULATION = 2
GENERATION = "NSGAIISampler:generation"  # where that sampler notes a trial's generation
# Samplers of Optuna, by name, whose suggestions depend only on the earlier trials. Each takes several goals.
SAMPLERS: dict[str, tuple[str, dict[str, object]]] = {
    "TPE": ("TPESampler", {}),
    "multivariate TPE": ("TPESampler", {"multivariate": True, "warn_independent_sampling": False}),
    "GP": ("GPSampler", {}),
    GENETIC: ("NSGAIISampler", {}),
    "random": ("RandomSampler", {}),
}
SAMPLER = "TPE"


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched: between `low` and `high`, on a logarithmic scale if `log`; or among `choices`."""

    key: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[str, ...] = ()

    def distribution(self) -> BaseDistribution:
        """Optuna's distribution; integers for an integer setting. Raises BadInput for an invalid range."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        try:
            if self.choices:
                return CategoricalDistribution(self.choices)
            if SETTINGS[self.key].kind is int:
                return IntDistribution(int(self.low), int(self.high), log=self.log)
            return FloatDistribution(self.low, self.high, log=self.log)
        except ValueError as error:
            raise BadInput(f"{self.key}: {' '.join(str(error).split())}") from error

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return f"between {self.low!r} and {self.high!r}{' on a logarithmic scale' * self.log}"


@dataclass(frozen=True)
class Trial:
    """One setting of every dimension, by key, and its number in the search."""

    number: int
    values: dict[str, Value]


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial.

    `values`, one for each goal, is None if a run failed; an impossible trial has the worst ones. `runs` is the digest
    of its runs, "" if the trial is impossible; `reason` says why. Where bad trials are stopped early, `curve` has the
    least validation loss by each epoch, a mean over the seeds, as far as all of these were trained, and `pruned` says
    whether it was.
    """

    trial: Trial
    values: tuple[float, ...] | None
    runs: str
    reason: str = ""
    curve: tuple[float, ...] = ()
    pruned: bool = False

    @property
    def number(self) -> int:
        """The trial's number in the search."""
        return self.trial.number

    @property
    def complete(self) -> bool:
        """Whether its runs were trained to their end."""
        return self.values is not None and not self.pruned and bool(self.curve)

    @property
    def ranked(self) -> bool:
        """Whether it can be the best of a search: trained to its end, with finite values."""
        return self.values is not None and not self.pruned and all(map(math.isfinite, self.values))


def suggested(
    space: Sequence[Dimension], goals: Sequence[Goal], seed: int, number: int, results: Sequence[TrialResult],
    by: str = SAMPLER, batch: int = 1,
) -> Trial:  # fmt: skip
    """The trial of that number, given what the earlier batches came to, as one of SAMPLERS suggests it. Raises BadInput
    if Optuna is missing, or what that sampler needs.
    """
    optuna = needs_optuna()
    distributions = distributions_of(space)
    name, options = SAMPLERS[by]
    drawn = int.from_bytes(sha256(f"{seed} {number}".encode()).digest()[:4])
    marks: list[dict[str, int]] = [{} for _ in results]
    if by == GENETIC:
        options = {**options, "population_size": batch}
        marks = [{GENERATION: one} for one in generations(results, batch)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna warns that some samplers are experimental
        sampler = getattr(optuna.samplers, name)(seed=drawn, **options)
        study = optuna.create_study(directions=[goal.direction for goal in goals], sampler=sampler)
        study.add_trials([frozen(one, distributions, mark) for one, mark in zip(results, marks, strict=True)])
        try:
            return Trial(number, dict(study.ask(distributions).params))
        except ImportError as error:
            raise BadInput(f"hydra.sweeper.sampler is {by!r}, which needs more than Optuna: {error}") from error


def generations(results: Sequence[TrialResult], batch: int) -> list[int]:
    """The generation of each trial, where a population has `batch` trials: by Optuna's rule, a batch belongs to the
    next generation once the latest one has a whole population of trials that did not fail.
    """
    found: list[int] = []
    generation = held = 0
    for start in range(0, len(results), batch):
        if held >= batch:
            generation, held = generation + 1, 0
        part = results[start : start + batch]
        found += [generation] * len(part)
        held += sum(one.values is not None for one in part)
    return found


def needs_optuna() -> ModuleType:
    """Optuna, imported late. Raises BadInput if it is missing."""
    try:
        import optuna
    except ImportError as error:
        raise BadInput("hydra/sweeper=optuna needs Optuna: pip install '.[optuna]'") from error
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def distributions_of(space: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Distributions by key, sorted: the trials do not depend on the order in which the keys were typed."""
    return {one.key: one.distribution() for one in sorted(space, key=lambda one: one.key)}


def frozen(
    result: TrialResult, distributions: Mapping[str, BaseDistribution], marks: Mapping[str, int] | None = None
) -> FrozenTrial:
    """The trial as Optuna keeps it; `marks` are what a sampler has noted of it."""
    from optuna.trial import TrialState, create_trial

    state = TrialState.PRUNED if result.pruned else TrialState.COMPLETE
    return create_trial(
        params={key: result.trial.values[key] for key in distributions},
        distributions=dict(distributions),
        state=TrialState.FAIL if result.values is None else state,
        intermediate_values={epoch: value for epoch, value in enumerate(result.curve, start=1) if math.isfinite(value)},
        values=result.values,
        user_attrs={"reason": result.reason} if result.reason else {},
        system_attrs=dict(marks or {}),
    )
