"""Looking at a rule more than once, with alpha spent beforehand.

A rule may name its looks: after so many of its seeds, in their order, it is decided, and seeds are added only while it
is open. Each look has a share of alpha, by the spending function of Lan and DeMets (1983) that resembles Pocock's
boundary: after the share t of the seeds alpha * ln(1 + (e - 1) t) is spent. What a look spends is the level at which it
decides, so that all of them together err no more often than alpha, whatever the differences are and however the looks
hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import e, log

import pandas as pd

from workbench.report.language.words import say
from workbench.report.verdicts.claim_rules import Claim, Equivalence, Identity, Paired, Rule, rules_of
from workbench.report.verdicts.evidence import gather


def spent(share: float) -> float:
    """The share of alpha that is spent once this share of the seeds has been looked at."""
    return log(1 + (e - 1) * share)


@dataclass(frozen=True)
class Look:
    """A rule with the seeds of one of its looks, the `place`-th of those at `looks` seeds; () if the rule has none."""

    rule: Rule
    looks: tuple[int, ...] = ()
    place: int = 0

    @property
    def share(self) -> float:
        """The share of alpha that it decides at."""
        if not self.looks:
            return 1.0
        shares = [spent(count / self.looks[-1]) for count in self.looks]
        return shares[self.place] - (shares[self.place - 1] if self.place else 0.0)

    @property
    def further(self) -> int:
        """The seeds of the next look, 0 if this is the last."""
        return self.looks[self.place + 1] if self.place + 1 < len(self.looks) else 0

    def in_words(self) -> str:
        """A note of which look it is; "" of a rule that has one alone."""
        if not self.looks:
            return ""
        ahead = say("look.next", seeds=self.further) if self.further else ""
        return say(
            "look.which", place=self.place + 1, looks=len(self.looks), seeds=self.looks[self.place],
            all=self.looks[-1], share=f"{100 * self.share:.3g}", ahead=ahead,
        )  # fmt: skip


def look_at(rule: Rule, runs: pd.DataFrame, factors: Sequence[str] = ()) -> Look:
    """The last look of a rule whose seeds all have a result; the first one if there is none."""
    if isinstance(rule, Identity) or not rule.looks:
        return Look(rule)
    place = 0
    for number, count in enumerate(rule.looks):
        if gather(runs, _first(rule, count), factors).missing:
            break
        place = number
    return at_look(rule, place)


def at_look(rule: Paired | Equivalence, place: int) -> Look:
    """The `place`-th look of a rule that names some."""
    return Look(_first(rule, rule.looks[place]), rule.looks, place)


def _first(rule: Paired | Equivalence, count: int) -> Paired | Equivalence:
    """The rule on its first seeds alone, each with the tuning seeds that it has in the whole rule."""
    tuning = rule.tuning and rule.tuning.of_first(count)
    return replace(rule, seeds=rule.seeds[:count], tuning=tuning, looks=())


def seeds_to_train(claims: Sequence[Claim], runs: pd.DataFrame | None, opened: Sequence[str]) -> tuple[int, ...]:
    """The seeds that are needed now: of each rule those of its look, of `opened` claims those of the next one.

    Without `runs` every rule stands at its first look. Those that tune are needed as soon as they tune for one of
    these; all seeds of rules without looks are.
    """
    needed: set[int] = set()
    for claim in claims:
        for rule in rules_of(claim):
            if isinstance(rule, Identity):
                continue
            now = _first(rule, _count(rule, runs, claim.id in opened))
            needed |= {*now.seeds, *(now.tuning.seeds if now.tuning else ())}
    return tuple(sorted(needed))


def _count(rule: Paired | Equivalence, runs: pd.DataFrame | None, is_open: bool) -> int:
    if not rule.looks:
        return len(rule.seeds)
    if runs is None:
        return rule.looks[0]
    look = look_at(rule, runs)
    return (look.further if is_open else 0) or rule.looks[look.place]
