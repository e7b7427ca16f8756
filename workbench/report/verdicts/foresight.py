"""What the rules of a sweep could decide, before it is run: the smallest effects, and false verdicts to expect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from workbench.report import wording
from workbench.report.statistics.power import POWER, power
from workbench.report.statistics.tests import ALPHA
from workbench.report.verdicts.claim_rules import Claim, Equivalence, Identity, Paired, rules_of

_FARTHEST = 100.0  # deviations
_PRECISION = 1e-3


@lru_cache(maxsize=256)
def smallest_beyond(seeds: int, family: int = 1) -> float:
    """How many deviations of the paired differences an effect lies beyond the margin if so many seeds decide it with
    power 0.8.
    """
    return _least(lambda distance: power(distance, 1.0, 0.0, seeds, family))


@lru_cache(maxsize=256)
def smallest_margin(seeds: int, family: int = 1) -> float:
    """How many deviations wide a margin is if so many seeds decide with power 0.8 that an effect of 0 lies within."""
    return _least(lambda margin: power(0.0, 1.0, margin, seeds, family))


def _least(reached: Callable[[float], float]) -> float:
    """The least argument that reaches the power."""
    low, high = 0.0, _FARTHEST
    while high - low > _PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) >= POWER else (middle, high)
    return high


def foreseen(claims: Sequence[Claim]) -> list[str]:
    """A line for each rule that compares arms, and one of the false verdicts that all of them may come to."""
    rules = [(claim, rule) for claim in claims for rule in rules_of(claim) if not isinstance(rule, Identity)]
    lines = dict.fromkeys(_line(claim, rule) for claim, rule in rules)  # variations of a rule say the same
    return [*lines, _false_verdicts([rule for _, rule in rules])] if rules else []


def _line(claim: Claim, rule: Paired | Equivalence) -> str:
    seeds = len(set(rule.seeds))
    edge = rule.margin if isinstance(rule, Paired) else rule.tolerance
    family = rule.family if isinstance(rule, Paired) else 1
    said = f"{edge:.6g}" if wording.metric(rule.metric).base else wording.margin(edge, rule.metric)
    name = wording.metric(rule.metric).name.lower()
    within = f"{smallest_margin(seeds, family):.2f} deviations are no more than {said}"
    if isinstance(rule, Equivalence):
        text = f"agreement within \u00b1{said} if {within}"
    else:
        beyond = f"an effect from {said} plus {smallest_beyond(seeds, family):.2f} deviations on"
        text = f"{beyond}, or that there is none if {within}"
    return f"claim {claim.id}, {name}: {seeds} seeds decide {text} (power {POWER:g}, deviations of paired differences)"


def _false_verdicts(rules: Sequence[Paired | Equivalence]) -> str:
    paired = [rule for rule in rules if isinstance(rule, Paired)]
    alone = sum(rule.family == 1 for rule in paired) + len(rules) - len(paired)
    parts = (
        [f"{ALPHA * alone:.2g} of {wording.plural(alone, 'rule')} that stand{'s' * (alone == 1)} alone"]
        if alone
        else []
    )
    parts += [
        f"{100 * ALPHA:g}{wording.SPACE}% that any of the family of {size} is falsely present, or absent"
        for size in sorted({rule.family for rule in paired if rule.family > 1})
    ]
    return f"false verdicts to expect, at most: {wording.listing(parts)}"
