"""From a rule and a sweep to a verdict, exactly as the rule says and nothing beyond it.

Five verdicts. Of a paired rule P(m): *reproduced*, the whole interval lies beyond m in the predicted direction and
Holm's p is under 0.05; *not reproduced*, the interval lies within +-m; *contradicted*, it lies wholly beyond -m and
Holm's p is under 0.05; *inconclusive*, anything else, and whenever a seed the rule names has no result yet. Of an
equivalence T(t): reproduced within +-t, contradicted wholly outside, else inconclusive. Of an identity E(t): reproduced
or not reproduced. *Conditional*: it is reproduced in one of two settings, the notes' own and a tuned one, and fails in
the other: there the whole interval lies short of what was predicted, whether or not the opposite can be shown. Where a
claim has several rules, it is contradicted or not reproduced if any of them is, and reproduced if all are.

A rule was fixed for the settings of its sweep file. Where the runs have other ones every verdict is withheld as
inconclusive, and says which; another dataset is named in the sentence instead.

Where runs diverged or collapsed no interval keeps its promise: then the sign-flip test alone decides, with every pair
that has no number counted against the conclusion, and the shares that failed stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.report.claims import (
    DIRECTIONS,
    Claim,
    Equivalence,
    Identity,
    Paired,
    Rule,
    digests,
    rules_of,
    stored_digests,
)
from workbench.report.departures import described
from workbench.report.evidence import Evidence, gather, select, with_measure
from workbench.report.sentences import sentence_of
from workbench.report.statistics import (
    INTERVALS,
    Interval,
    holm,
    improvement,
    interquartile_mean,
    planned_seeds,
    sign_flip,
)

if TYPE_CHECKING:
    import pandas as pd

    from workbench.tracking.read import SweepTables

ALPHA = 0.05
VERDICTS = {
    "reproduced": "the effect is there, and larger than the smallest that matters",
    "conditional": "it holds in one setting and not in the other",
    "not reproduced": "any effect is smaller than the smallest that matters",
    "contradicted": "the opposite is there",
    "inconclusive": "these runs do not decide it",
}
_FAILED = ("not reproduced", "contradicted")
_NOWHERE = Interval(float("nan"), float("nan"))


@dataclass(frozen=True)
class Failures:
    """How many of how many seeds of an arm diverged or collapsed."""

    arm: str
    lost: int
    seeds: int

    @property
    def share(self) -> float:
        """The share that failed; NaN of none."""
        return self.lost / self.seeds if self.seeds else float("nan")


@dataclass(frozen=True)
class Verdict:
    """What became of a claim. Effects are in the metric's unit, treatment minus baseline; p is the sign-flip test's.

    `worst` is the paired difference that speaks most against the claim (for an identity: the largest error), and
    `worst_seed` its seed. `typical` is the interquartile mean of the differences; `improvement` the share of seeds on
    the predicted side. `new_seeds` is how many further seeds would settle what is inconclusive, deciding alone.
    `fails` says that the predicted effect is ruled out: not reproduced, contradicted, or open only between the two.
    `by_itself` is the verdict by the claim's first rule alone, whose effect and interval these are. `fixed` says
    whether the very rules stood in the store when the sweep started, `stored` whether any of this claim
    did. `also` are the verdicts by the claim's further rules, `tuned` is the one in the tuned setting.
    """

    claim: str
    verdict: str
    effect: float
    interval: Interval
    n: int
    p: float
    p_holm: float
    failures: tuple[Failures, ...]
    worst: float
    worst_seed: int | None
    sentence: str = ""
    notes: tuple[str, ...] = ()
    differences: tuple[tuple[int, float], ...] = ()
    typical: float = float("nan")
    improvement: float = float("nan")
    new_seeds: int | None = None
    fails: bool = False
    by_itself: str = ""
    fixed: bool = False
    stored: bool = False
    also: tuple[Verdict, ...] = ()
    tuned: Verdict | None = None


def p_beyond(differences: np.ndarray, margin: float, diverged: int = 0) -> float:
    """p of an effect beyond the margin, on the side the mean lies on; `differences` point in the predicted direction.

    Each of the `diverged` pairs without a number enters as the largest distance from the edge seen, on the wrong side.
    """
    towards = differences if differences.size and differences.mean() >= 0 else -differences
    if diverged and towards.size:
        towards = np.concatenate([towards, np.full(diverged, margin - np.abs(towards - margin).max())])
    return sign_flip(towards, margin)


def judge(differences: np.ndarray, margin: float, p_holm: float, interval: Interval, trusted: bool = True) -> str:
    """The verdict of a paired rule whose seeds are all there.

    `differences` (n,) and `interval` point in the predicted direction. `trusted` is False where runs were lost: the
    test alone decides then, and absence of an effect cannot be shown.
    """
    side = "reproduced" if differences.mean() >= 0 else "contradicted"
    if not trusted:
        return side if p_holm < ALPHA else "inconclusive"
    if interval.within(margin):
        return "not reproduced"
    beyond = interval.low > margin or interval.high < -margin
    return side if beyond and p_holm < ALPHA else "inconclusive"


def _failures(evidence: Evidence, rule: Paired | Equivalence) -> tuple[Failures, ...]:
    return tuple(Failures(arm.arm.label, arm.lost, len(rule.seeds)) for arm in evidence.arms)


def _weigh(claim: Claim, rule: Paired | Equivalence, evidence: Evidence) -> Verdict:
    """Effect, interval, p and worst seed, before any verdict."""
    values = evidence.differences
    sign = DIRECTIONS[rule.direction] if isinstance(rule, Paired) else 1
    p = p_beyond(sign * values, rule.margin, len(evidence.diverged)) if isinstance(rule, Paired) else float("nan")
    against = sign * values if isinstance(rule, Paired) else -np.abs(values)
    place = int(np.argmin(against)) if len(values) else None
    return Verdict(
        claim.id, "inconclusive", float(values.mean()) if len(values) else float("nan"),
        INTERVALS[rule.interval](values), len(values), p, p, _failures(evidence, rule),
        float("nan") if place is None else float(values[place]), None if place is None else evidence.seeds[place],
        notes=evidence.notes, differences=tuple(zip(evidence.seeds, values.tolist(), strict=True)),
        typical=interquartile_mean(values), improvement=improvement(sign * values),
    )  # fmt: skip


def _paired(rule: Paired, evidence: Evidence, found: Verdict) -> str:
    if evidence.missing or not found.n:
        return "inconclusive"
    sign = DIRECTIONS[rule.direction]
    low, high = found.interval
    interval = found.interval if sign > 0 else Interval(-high, -low)
    return judge(sign * evidence.differences, rule.margin, found.p_holm, interval, not evidence.failures)


def _equivalence(rule: Equivalence, evidence: Evidence, found: Verdict) -> str:
    if evidence.missing or evidence.failures or not np.isfinite(found.interval.low):
        return "inconclusive"
    if found.interval.within(rule.tolerance):
        return "reproduced"
    outside = found.interval.low > rule.tolerance or found.interval.high < -rule.tolerance
    return "contradicted" if outside else "inconclusive"


def _identity(claim: Claim, rule: Identity, runs: pd.DataFrame) -> Verdict:
    metric = rule.arm.metric or rule.metric
    chosen = select(runs, rule.arm)
    done = chosen[chosen["outcome"] == "finished"]
    errors = done[metric].astype(float).abs() if metric in done else None
    complete = errors is not None and len(done) == len(chosen) > 0 and bool(errors.notna().all())
    worst = float(errors.max()) if errors is not None and errors.notna().any() else float("nan")
    seed = int(done["seed"].iloc[int(np.nanargmax(errors))]) if errors is not None and errors.notna().any() else None
    verdict = "inconclusive" if not complete else "reproduced" if worst <= rule.tolerance else "not reproduced"
    lost = Failures(rule.arm.label, int((chosen["outcome"] != "finished").sum()), len(chosen))
    nan = float("nan")
    return Verdict(claim.id, verdict, worst, _NOWHERE, len(done), nan, nan, (lost,), worst, seed)


def _found(claim: Claim, rule: Rule, runs: pd.DataFrame) -> tuple[Evidence | None, Verdict]:
    if isinstance(rule, Identity):
        return None, _identity(claim, rule, runs)
    evidence = gather(runs, rule)
    return evidence, _weigh(claim, rule, evidence)


def _finish(rule: Rule, evidence: Evidence | None, found: Verdict, adjusted: Mapping[int, float], data: str) -> Verdict:
    found = replace(found, p_holm=adjusted.get(id(found), found.p_holm))
    if isinstance(rule, Paired) and evidence is not None:
        found = replace(found, verdict=_paired(rule, evidence, found))
        found = replace(found, new_seeds=_new_seeds(rule, evidence, found))
    elif isinstance(rule, Equivalence) and evidence is not None:
        found = replace(found, verdict=_equivalence(rule, evidence, found))
    fails = found.verdict in _FAILED or (isinstance(rule, Paired) and _falls_short(rule, evidence, found))
    found = replace(found, fails=fails)
    return replace(found, sentence=sentence_of(rule, evidence, found, data))


def _falls_short(rule: Paired, evidence: Evidence | None, found: Verdict) -> bool:
    """Whether every seed is there, none lost, and the whole interval lies short of the margin on the predicted side."""
    if evidence is None or evidence.missing or evidence.failures:
        return False
    end = found.interval.high if DIRECTIONS[rule.direction] > 0 else -found.interval.low
    return bool(end < rule.margin)


def _new_seeds(rule: Paired, evidence: Evidence, found: Verdict) -> int | None:
    """How many new seeds would settle an inconclusive verdict at the effect and the spread seen; None: nobody knows."""
    if found.verdict != "inconclusive" or found.n < 2:
        return None
    return planned_seeds(found.effect, float(evidence.differences.std(ddof=1)), rule.margin, rule.family)


def _adjusted(found: Sequence[tuple[Rule, Verdict]], others: Mapping[str, float]) -> dict[int, float]:
    """Holm's p by identity of the verdict: over the paired rules of these claims and the p of the `others`."""
    mine = [(rule, verdict) for rule, verdict in found if isinstance(rule, Paired)]
    here = {verdict.claim for _, verdict in mine}
    rest = [p for name, p in sorted(others.items()) if name not in here]
    size = max((rule.family for rule, _ in mine), default=0)
    adjusted = holm([verdict.p for _, verdict in mine] + rest, size)
    return {id(verdict): float(p) for (_, verdict), p in zip(mine, adjusted[: len(mine)], strict=True)}


def decide_all(
    claims: Sequence[Claim], tables: SweepTables, others: Mapping[str, float] | None = None
) -> list[Verdict]:
    """The verdicts of claims that share a page. `others` are p values, by claim, of the same family on other pages.

    Family members whose p is unknown count as 1 in Holm's correction, which can only make a verdict harder to reach.
    """
    found = []
    for claim in claims:
        runs = with_measure(claim, tables)
        found.append([(rule, *_found(claim, rule, runs)) for rule in rules_of(claim)])
    adjusted = _adjusted([(rule, verdict) for group in found for rule, _, verdict in group], others or {})
    withheld, data = described(tables)
    verdicts = []
    for claim, group in zip(claims, found, strict=True):
        done = [_finish(rule, evidence, verdict, adjusted, data) for rule, evidence, verdict in group]
        if withheld:
            done = [_withheld(verdict, withheld) for verdict in done]
        held = stored_digests(claim, tables.facts.get("rules", ""))
        verdicts.append(replace(_combined(claim, done), fixed=held == digests(claim), stored=bool(held)))
    return verdicts


def _withheld(found: Verdict, why: str) -> Verdict:
    return replace(found, verdict="inconclusive", new_seeds=None, fails=False, sentence=f"{why} {found.sentence}")


def _combined(claim: Claim, done: Sequence[Verdict]) -> Verdict:
    """One verdict out of those by the claim's rules, in the order of `rules_of`."""
    own, also, rest = done[0], tuple(done[1 : 1 + len(claim.also)]), done[1 + len(claim.also) :]
    verdict = _jointly([own.verdict, *(one.verdict for one in also)])
    own = replace(own, by_itself=own.verdict, also=also, verdict=verdict, fails=any(one.fails for one in (own, *also)))
    if not rest:
        return own
    tuned = rest[0]
    own = replace(own, tuned=tuned)
    if not ((own.verdict == "reproduced" and tuned.fails) or (own.fails and tuned.verdict == "reproduced")):
        return own
    text = f"{_outcome(own).capitalize()} in the notes' own setting, {_outcome(tuned)} when tuned: {claim.condition}. "
    return replace(own, verdict="conditional", sentence=text + own.sentence)


def _outcome(found: Verdict) -> str:
    return "ruled out" if found.fails and found.verdict == "inconclusive" else found.verdict


def _jointly(verdicts: Sequence[str]) -> str:
    """What several rules say together of one claim: the worst of them, and reproduced only if all are."""
    return next(word for word in ("contradicted", "not reproduced", "inconclusive", "reproduced") if word in verdicts)


def decide(claim: Claim, tables: SweepTables, others: Mapping[str, float] | None = None) -> Verdict:
    """The verdict of one claim; see `decide_all`."""
    return decide_all([claim], tables, others)[0]
