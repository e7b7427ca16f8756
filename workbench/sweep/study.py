"""A study of Optuna's, kept in one file: what was tried, what came out, what to try next.

Trials are asked for in batches that train together. What a trial is depends on the trials told before and on its
number alone, so that a study which was interrupted goes on as it would have gone.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.addresses import sqlite_address
from workbench.config import SETTINGS
from workbench.engine.errors import BadInput

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

SPACE = "space"  # attribute of the study: what it searches, as text
DIRECTIONS = ("minimize", "maximize")


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched: between `low` and `high`, on a logarithmic scale if `log`; or among `choices`."""

    key: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[str, ...] = ()

    def distribution(self) -> BaseDistribution:
        """As Optuna takes it; an integer setting is searched over integers. Raises BadInput for a wrong range."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        try:
            if self.choices:
                return CategoricalDistribution(self.choices)
            if SETTINGS[self.key].kind is int:
                return IntDistribution(int(self.low), int(self.high), log=self.log)
            return FloatDistribution(self.low, self.high, log=self.log)
        except ValueError as error:
            raise BadInput(f"{self.key}: {' '.join(str(error).split())}") from error


@dataclass(frozen=True)
class Trial:
    """One setting of every dimension, by key, and its number in the study."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Goal:
    """What is searched for: a summary metric of the runs, and whether less of it is better."""

    metric: str
    direction: str

    @property
    def worst(self) -> float:
        """What a diverged run counts as."""
        return math.inf if self.direction == "minimize" else -math.inf


class Study:
    """The study called `name` in `file`, made where it is not there yet.

    Raises BadInput where Optuna is missing, or where the study of that name searches something else.
    """

    def __init__(self, file: Path, name: str, space: Sequence[Dimension], direction: str, seed: int) -> None:
        optuna = _optuna()
        self._space = {dimension.key: dimension.distribution() for dimension in space}
        self._seed, self._sampler, self._states = seed, optuna.samplers.TPESampler, optuna.trial.TrialState
        file.parent.mkdir(parents=True, exist_ok=True)
        self._study = optuna.create_study(
            storage=sqlite_address(file.absolute()), study_name=name, direction=direction, load_if_exists=True
        )
        asked = json.dumps([direction, *(sorted(repr(item) for item in self._space.items()))])
        known = self._study.user_attrs.get(SPACE, asked)
        if known != asked:
            raise BadInput(f"name: the study {name} in {file} searches something else; give another name=")
        self._study.set_user_attr(SPACE, asked)

    @property
    def done(self) -> list[Trial]:
        """The trials that came to an end, in order."""
        return [_plain(trial) for trial in self._study.trials if trial.state.is_finished()]

    def batch(self, size: int) -> list[Trial]:
        """The next trials, so many in all: first those an earlier sitting asked for and never told of."""
        open_ones = [trial for trial in self._study.trials if not trial.state.is_finished()]
        asked = [_plain(trial) for trial in open_ones]
        while len(asked) < size:
            number = len(self._study.trials)
            self._study.sampler = self._sampler(seed=_seed(self._seed, number))
            trial = self._study.ask(self._space)
            asked.append(Trial(trial.number, dict(trial.params)))
        return asked

    def tell(self, trial: Trial, value: float | None) -> None:
        """What a trial came to; None where it failed."""
        if value is None:
            self._study.tell(trial.number, state=self._states.FAIL)
        else:
            self._study.tell(trial.number, value)

    def best(self) -> tuple[Mapping[str, Any], float] | None:
        """The best trial's settings and its value; None before there is one."""
        try:
            return self._study.best_params, self._study.best_value
        except ValueError:
            return None


def judged(outcomes: Sequence[tuple[str, float]], goal: Goal) -> float | None:
    """The value of a trial from the outcome and the metric of its runs; None where one of them failed."""
    from workbench.sweep.store import DIVERGED, FINISHED  # late, as NumPy comes with it: Hydra's plugins import this

    if any(outcome not in (FINISHED, DIVERGED) for outcome, _ in outcomes):
        return None
    values = [goal.worst if outcome == DIVERGED or math.isnan(value) else value for outcome, value in outcomes]
    return sum(values) / len(values)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise BadInput("hydra/sweeper=optuna needs Optuna: pip install '.[optuna]'") from error
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def _plain(trial: FrozenTrial) -> Trial:
    return Trial(trial.number, dict(trial.params))


def _seed(seed: int, number: int) -> int:
    return int.from_bytes(sha256(f"{seed} {number}".encode()).digest()[:4])
