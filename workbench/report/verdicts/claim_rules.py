"""Claims as data: a statement, and the rule, fixed beforehand, that decides it.

A rule is plain data with one canonical JSON form. Its digest is stored when a sweep starts, so a page can check that
the rule has not changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from workbench.config.setting import Value
from workbench.engine.errors import BadInput
from workbench.report.language.texts import translated
from workbench.report.statistics.intervals import INTERVALS
from workbench.report.statistics.tests import FEWEST_SEEDS
from workbench.report.verdicts.premises import PREMISES

if TYPE_CHECKING:
    import pandas as pd

    from workbench.tracking.read import SweepTables

# Fields that came later: left out if they say nothing, so that older digests stand.
_LATER = ("averaged_over", "premises", "worse", "by_seed", "looks")
DIRECTION_SIGNS = {"higher": 1, "lower": -1}


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: the runs whose columns hold the values of `where`. What the sweep varies beside them is
    averaged within each seed if `averaged_over` names it; an arm that leaves anything else open is refused.

    `metric` (default: the rule's) names another column for this side, so that one run can be compared with itself (its
    best epoch with its last one). With `constant` the side is a fixed number, the same for every seed: what a claim
    predicts, or "no change".
    """

    label: str
    where: Mapping[str, Value] = field(default_factory=dict, hash=False)
    metric: str = ""
    constant: float | None = None
    averaged_over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", translated(self.label))


@dataclass(frozen=True)
class Tuning:
    """Every arm gets its own best values of `factors`, chosen on seeds that do not decide.

    Chosen by the best mean of `metric` (a validation metric; smallest if `better` is "lower") over `seeds`. With
    `by_seed` every deciding seed has so many of `seeds` to itself and its own choice, so that the noise of tuning is a
    part of the differences; else one choice is made for all, and its noise is in none of them. The shares follow one
    another in the order of the deciding seeds: seeds that are added later, each with its share, change no earlier one.
    Raises BadInput if `by_seed` is no such number, or the seeds cannot be shared out.
    """

    factors: tuple[str, ...]
    seeds: tuple[int, ...]
    metric: str = "best_validation_loss"
    better: str = "lower"
    by_seed: int = 0

    def __post_init__(self) -> None:
        if type(self.by_seed) is not int or self.by_seed < 0:
            raise BadInput(f"by_seed of a tuning is {self.by_seed}; allowed: how many seeds tune for each deciding one")
        if self.by_seed and len(set(self.seeds)) < len(self.seeds):
            raise BadInput("a tuning by seed names a seed twice; each tunes for one deciding seed alone")

    def of(self, place: int) -> Tuning:
        """The tuning of the `place`-th deciding seed, on its own share of the tuning seeds."""
        start = place * self.by_seed
        return replace(self, seeds=self.seeds[start : start + self.by_seed], by_seed=0)

    def of_first(self, count: int) -> Tuning:
        """The tuning of the first `count` deciding seeds: on their shares, or on all seeds if they have none."""
        return replace(self, seeds=self.seeds[: count * self.by_seed]) if self.by_seed else self


@dataclass(frozen=True)
class Collapse:
    """A run counts as collapsed when its `metric` is at most `below` (say, training accuracy at chance)."""

    metric: str
    below: float


@dataclass(frozen=True)
class Premise:
    """What must be true of an arm before the rule may decide: a row of `PREMISES`, by its name.

    `arm` is any arm of the sweep (default: every arm of the rule that is no constant), on the rule's deciding seeds; an
    identity has none, and looks at all.
    `bound` is the row's own unless given. Raises BadInput for a name that is no row.
    """

    kind: str
    arm: Arm | None = None
    bound: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in PREMISES:
            raise BadInput(f"premise is {self.kind!r}; allowed: {', '.join(PREMISES)}")


def _check(rule: Paired | Equivalence) -> None:
    if rule.interval not in INTERVALS:
        allowed = ", ".join(INTERVALS)
        raise BadInput(f"interval of the rule on {rule.metric} is {rule.interval!r}; allowed: {allowed}")
    if len(set(rule.seeds)) < FEWEST_SEEDS:
        raise BadInput(f"a rule on {rule.metric} names {len(set(rule.seeds))} seeds; it needs {FEWEST_SEEDS} or more")
    _check_looks(rule)
    if rule.tuning and set(rule.tuning.seeds) & set(rule.seeds):
        raise BadInput(f"a rule on {rule.metric} tunes on seeds it decides on; the two sets must be apart")
    if rule.tuning and rule.tuning.by_seed:
        _check_shares(rule, rule.tuning)


def _check_shares(rule: Paired | Equivalence, tuning: Tuning) -> None:
    needed = tuning.by_seed * len(rule.seeds)
    if len(tuning.seeds) != needed:
        raise BadInput(
            f"a rule on {rule.metric} tunes by seed on {len(tuning.seeds)} seeds; allowed: {needed}, "
            f"{tuning.by_seed} for each of its {len(rule.seeds)}"
        )


def _check_looks(rule: Paired | Equivalence) -> None:
    looks, seeds = rule.looks, len(rule.seeds)
    rising = all(one < other for one, other in pairwise(looks))
    if looks and not (rising and looks[0] >= FEWEST_SEEDS and looks[-1] == seeds):
        raise BadInput(
            f"looks of the rule on {rule.metric} are {looks}; allowed: rising, from {FEWEST_SEEDS} or more to {seeds}"
        )


@dataclass(frozen=True)
class Paired:
    """P(m): by seed, `treatment` minus `baseline` lies beyond `margin` in the predicted `direction`.

    `against` is a second pair (treatment, baseline) whose difference is subtracted: a difference in differences. `n` is
    the number of `seeds`, and part of the rule. `family` is the size of the fixed family Holm's correction runs over.
    Where one of the `premises` fails the verdict is withheld. With `looks` the rule is decided after so many of its
    seeds, in their order, and again after more of them: 12, 24 and all of 48, say, with alpha spent beforehand.
    Raises BadInput for fewer than 12 seeds, a negative margin or an unknown direction or interval.
    """

    kind: ClassVar[str] = "paired"
    metric: str
    treatment: Arm
    baseline: Arm
    margin: float
    direction: str
    seeds: tuple[int, ...]
    against: tuple[Arm, Arm] | None = None
    tuning: Tuning | None = None
    collapse: Collapse | None = None
    interval: str = "t"
    family: int = 1
    premises: tuple[Premise, ...] = ()
    looks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(self)
        if not self.margin >= 0:
            raise BadInput(f"margin of the rule on {self.metric} is {self.margin}; it must be 0 or more")
        if self.direction not in DIRECTION_SIGNS:
            raise BadInput(f"direction of the rule on {self.metric} is {self.direction!r}; allowed: higher, lower")


@dataclass(frozen=True)
class Equivalence:
    """T(t): the whole interval of `measured` minus `predicted`, by seed, lies within +-`tolerance`.

    With `worse`, "lower" or "higher", only a difference in that direction counts: `measured` is not inferior if the
    whole interval is short of the tolerance there, however far it reaches on the other side. Raises BadInput for
    fewer than 12 seeds, a tolerance of 0 or less, or another direction.
    """

    kind: ClassVar[str] = "equivalence"
    metric: str
    measured: Arm
    predicted: Arm
    tolerance: float
    seeds: tuple[int, ...]
    tuning: Tuning | None = None
    collapse: Collapse | None = None
    interval: str = "t"
    premises: tuple[Premise, ...] = ()
    worse: str = ""
    looks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check(self)
        if not self.tolerance > 0:
            raise BadInput(f"tolerance of the rule on {self.metric} is {self.tolerance}; it must be over 0")
        if self.worse and self.worse not in DIRECTION_SIGNS:
            raise BadInput(f"worse of the rule on {self.metric} is {self.worse!r}; allowed: higher, lower")


@dataclass(frozen=True)
class Identity:
    """E(t): the largest relative error in the column `metric`, over the runs of `arm`, is at most `tolerance`.

    Where one of the `premises` fails the verdict is withheld; they look at every run of their arm.
    """

    kind: ClassVar[str] = "identity"
    metric: str
    arm: Arm
    tolerance: float
    premises: tuple[Premise, ...] = ()

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise BadInput(f"tolerance of the rule on {self.metric} is {self.tolerance}; it must be 0 or more")


Rule = Paired | Equivalence | Identity


@dataclass(frozen=True)
class Variation:
    """A claim's rule asked again in another setting: `setting` is `value` there, and `instead_of` in the claim's own
    one. `variations.varied` makes them; a setting may be words too, if it is no key.
    """

    setting: str
    instead_of: Value
    value: Value
    rule: Rule


@dataclass(frozen=True)
class Claim:
    """One claim of the notes, in our words.

    `rule` decides it in the notes' own setting, together with every rule of `also` (a claim of two measures holds if
    both do). `tuned`, if given, is the same question as `rule` in another setting; where both are decided and differ,
    the claim is conditional, and `condition` says on what ("only with fan-in initial weights"). `vary` asks `rule`
    again with one setting changed at a time, which gives a specification curve; a claim that turns on one of them is
    conditional, and names it. `measure` computes
    what no column of the store holds: tables -> values of the rule's metric indexed by cell, or a frame with a column
    for each metric that is needed. `slip` states the notes' form if it differs from the right one, `remark` what a
    reader must know of how the rule came about (a pilot, an earlier form whose outcome was known). `statement_zh` says
    the statement in Traditional Chinese, in our words too.
    """

    id: str
    statement: str
    section: str
    rule: Rule
    tuned: Rule | None = None
    condition: str = ""
    slip: str = ""
    remark: str = ""
    also: tuple[Rule, ...] = ()
    measure: Callable[[SweepTables], pd.Series | pd.DataFrame] | None = field(default=None, compare=False)
    statement_zh: str = ""
    vary: tuple[Variation, ...] = ()

    def __post_init__(self) -> None:
        if self.tuned is not None and not self.condition:
            raise BadInput(f"claim {self.id} has a tuned rule but no condition: say on what the claim depends")
        for name in ("section", "condition", "slip", "remark"):
            object.__setattr__(self, name, translated(getattr(self, name)))


def _plain(value: object) -> object:
    """`value` as JSON holds it; equal numbers get one form, so 0 and 0.0 are one rule."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        named = {"kind": value.kind} if hasattr(value, "kind") else {}
        given = {entry.name: getattr(value, entry.name) for entry in fields(value)}
        return named | {name: _plain(item) for name, item in given.items() if name not in _LATER or item}
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def as_data(rule: Rule) -> dict[str, object]:
    """The rule as plain JSON data."""
    plain = _plain(rule)
    assert isinstance(plain, dict)
    return plain


def canonical(rule: Rule) -> str:
    """The one JSON text of a rule: keys sorted, no spaces, equal numbers alike."""
    return json.dumps(as_data(rule), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(rule: Rule) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(rule).encode()).hexdigest()[:16]


def rules_of(claim: Claim) -> tuple[Rule, ...]:
    """Every rule of a claim: its own, those that must hold as well, the tuned one if it has one, and its variations."""
    tuned = () if claim.tuned is None else (claim.tuned,)
    return (claim.rule, *claim.also, *tuned, *(one.rule for one in claim.vary))


def digests(claim: Claim) -> list[str]:
    """The digest of every rule of a claim, in the order of `rules_of`."""
    return [digest(rule) for rule in rules_of(claim)]
