"""The next trial of a search: a function of the search space, the seed, the trial's number and the earlier results.

Every trial has a new Optuna sampler that knows all earlier batches. So a trial depends neither on the trials that a
killed process had already suggested nor on the total number of trials.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from sqlite3 import connect
from types import ModuleType
from typing import TYPE_CHECKING

from workbench.config import SETTINGS
from workbench.config.setting import Value
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import DIVERGED, FINISHED

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

# Samplers of Optuna, by name, whose suggestions depend only on the earlier trials.
SAMPLERS = {
    "TPE": ("TPESampler", {}),
    "multivariate TPE": ("TPESampler", {"multivariate": True, "warn_independent_sampling": False}),
    "GP": ("GPSampler", {}),
    "random": ("RandomSampler", {}),
}
SAMPLER = "TPE"
SEARCH_DIRECTIONS = ("minimize", "maximize")


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

    `value` is None if a run failed; an impossible trial counts as the worst value. `runs` is the digest of its runs, ""
    if the trial is impossible; `reason` says why. Where bad trials are stopped early, `curve` has the least validation
    loss by each epoch, a mean over the seeds, as far as all of these were trained, and `pruned` says whether it was.
    """

    trial: Trial
    value: float | None
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
        return self.value is not None and not self.pruned and bool(self.curve)


@dataclass(frozen=True)
class Goal:
    """The objective of a search: a summary metric of the runs, and whether lower is better."""

    metric: str
    direction: str

    @property
    def worst(self) -> float:
        """The value that a diverged run counts as."""
        return math.inf if self.direction == "minimize" else -math.inf

    def best(self, results: Sequence[TrialResult]) -> TrialResult | None:
        """The best trial, the first of equals; None if none has a finite value yet."""
        held = [one for one in results if one.value is not None and math.isfinite(one.value) and not one.pruned]
        sign = 1 if self.direction == "minimize" else -1
        return min(held, key=lambda one: sign * (one.value or 0.0), default=None)


def suggested(
    space: Sequence[Dimension], goal: Goal, seed: int, number: int, results: Sequence[TrialResult],
    by: str = SAMPLER,
) -> Trial:  # fmt: skip
    """The trial of that number, given what the earlier batches came to, as one of SAMPLERS suggests it. Raises BadInput
    if Optuna is missing, or what that sampler needs.
    """
    optuna = needs_optuna()
    distributions = _distributions(space)
    name, options = SAMPLERS[by]
    drawn = int.from_bytes(sha256(f"{seed} {number}".encode()).digest()[:4])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna warns that some samplers are experimental
        sampler = getattr(optuna.samplers, name)(seed=drawn, **options)
        study = optuna.create_study(direction=goal.direction, sampler=sampler)
        study.add_trials([_frozen(one, distributions) for one in results])
        try:
            return Trial(number, dict(study.ask(distributions).params))
        except ImportError as error:
            raise BadInput(f"hydra.sweeper.sampler is {by!r}, which needs more than Optuna: {error}") from error


def judged(outcomes: Sequence[tuple[str, float]], goal: Goal) -> float | None:
    """The value of a trial from the outcome and the metric of its runs; None if one of them failed."""
    if any(outcome not in (FINISHED, DIVERGED) for outcome, _ in outcomes):
        return None
    values = [goal.worst if outcome == DIVERGED or math.isnan(value) else value for outcome, value in outcomes]
    return sum(values) / len(values)


def export(file: Path, name: str, space: Sequence[Dimension], goal: Goal, results: Sequence[TrialResult]) -> None:
    """The search as an SQLite file for Optuna's own tools, such as its dashboard. We never read it."""
    optuna = needs_optuna()
    storage = optuna.storages.RDBStorage("sqlite:///:memory:")
    study = optuna.create_study(storage=storage, study_name=name, direction=goal.direction)
    study.add_trials([_frozen(one, _distributions(space)) for one in results])
    temporary = file.with_name(f".{file.name}.new")
    for left in (temporary, file.with_name(f"{temporary.name}-journal")):  # left behind by a killed process
        left.unlink(missing_ok=True)
    try:
        with closing(storage.engine.raw_connection()) as source, closing(connect(temporary)) as target:
            source.driver_connection.backup(target)
        temporary.replace(file)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        storage.engine.dispose()


def needs_optuna() -> ModuleType:
    """Optuna, imported late. Raises BadInput if it is missing."""
    try:
        import optuna
    except ImportError as error:
        raise BadInput("hydra/sweeper=optuna needs Optuna: pip install '.[optuna]'") from error
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def _distributions(space: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Distributions by key, sorted: the trials do not depend on the order in which the keys were typed."""
    return {one.key: one.distribution() for one in sorted(space, key=lambda one: one.key)}


def _frozen(result: TrialResult, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    state = TrialState.PRUNED if result.pruned else TrialState.COMPLETE
    return create_trial(
        params={key: result.trial.values[key] for key in distributions},
        distributions=dict(distributions),
        state=TrialState.FAIL if result.value is None else state,
        intermediate_values={epoch: value for epoch, value in enumerate(result.curve, start=1) if math.isfinite(value)},
        value=result.value,
        user_attrs={"reason": result.reason} if result.reason else {},
    )
