"""One rule and its evidence give one verdict; see `decision` for what the words mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench.report.statistics.bootstrap_t import deciding_interval
from workbench.report.statistics.intervals import Interval
from workbench.report.statistics.power import planned_seeds
from workbench.report.statistics.tests import ALPHA, improvement, interquartile_mean, short_of, sign_flip
from workbench.report.verdicts.arms import select
from workbench.report.verdicts.basis import Basis, basis_of
from workbench.report.verdicts.claim_rules import DIRECTION_SIGNS, Claim, Equivalence, Identity, Paired, Rule
from workbench.report.verdicts.evidence import Evidence, failed_premise, gather
from workbench.report.verdicts.sentences import sentence_of
from workbench.report.verdicts.verdict import Failures, Verdict

if TYPE_CHECKING:
    import pandas as pd

_NEGATIVE_VERDICTS = ("not reproduced", "contradicted")
_NOWHERE = Interval(float("nan"), float("nan"))


def p_beyond(differences: np.ndarray, margin: float, diverged: int = 0) -> float:
    """p of an effect beyond the margin, on the side of the mean; `differences` point in the predicted direction.

    Each of the `diverged` pairs without a number counts as the largest distance from the edge seen, on the wrong side.
    """
    towards = differences if differences.size and differences.mean() >= 0 else -differences
    if diverged and towards.size:
        towards = np.concatenate([towards, np.full(diverged, margin - np.abs(towards - margin).max())])
    return sign_flip(towards, margin)


class Corrected(NamedTuple):
    """Holm's p of the three tests of a paired rule: that the effect lies beyond the margin on either side, short of it
    on the predicted side, and within it on both.
    """

    beyond: float
    short: float
    within: float


def judge(basis: Basis, margin: float, p: Corrected, alpha: float = ALPHA) -> str:
    """The verdict of a paired rule whose seeds are all there. Holm's p is held against `alpha`; the intervals of the
    `basis` are of 1 - alpha.
    """
    if p.within < alpha and basis.within(margin):
        return "not reproduced"
    if p.beyond < alpha and basis.beyond(margin, alpha):
        return "reproduced" if basis.values.mean() >= 0 else "contradicted"
    return "inconclusive"


def _failures(evidence: Evidence, rule: Paired | Equivalence) -> tuple[Failures, ...]:
    return tuple(Failures(arm.arm.label, arm.lost, len(rule.seeds)) for arm in evidence.arms)


def weighed(claim: str, rule: Paired | Equivalence, evidence: Evidence) -> Verdict:
    """Effect, interval, p and worst seed, before any verdict."""
    values = evidence.differences
    sign = DIRECTION_SIGNS[rule.direction] if isinstance(rule, Paired) else 1
    p = short = within = float("nan")
    if isinstance(rule, Paired):
        p = p_beyond(sign * values, rule.margin, len(evidence.diverged))
        short = short_of(sign * values, rule.margin)
        within = max(short, short_of(-sign * values, rule.margin))
    against = sign * values if isinstance(rule, Paired) else -np.abs(values)
    place = int(np.argmin(against)) if len(values) else None
    return Verdict(
        claim, "inconclusive", float(values.mean()) if len(values) else float("nan"),
        deciding_interval(values, kind=rule.interval), len(values), p, p, _failures(evidence, rule),
        float("nan") if place is None else float(values[place]), None if place is None else evidence.seeds[place],
        notes=evidence.notes, differences=tuple(zip(evidence.seeds, values.tolist(), strict=True)),
        arms=tuple((arm.arm.label, tuple(arm.values[seed] for seed in evidence.seeds)) for arm in evidence.arms),
        typical=interquartile_mean(values), improvement=improvement(sign * values), p_short=short, p_within=within,
    )  # fmt: skip


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
    return Verdict(
        claim.id, verdict, worst, _NOWHERE, len(done), nan, nan, (lost,), worst, seed, doubt=failed_premise(runs, rule)
    )  # fmt: skip


def weigh(claim: Claim, rule: Rule, runs: pd.DataFrame, factors: Sequence[str] = ()) -> tuple[Evidence | None, Verdict]:
    """The evidence of a rule (None of an identity) and its verdict so far: effect, interval and p, before Holm.

    `factors` are the keys that the sweep varies.
    """
    if isinstance(rule, Identity):
        return None, _identity(claim, rule, runs)
    evidence = gather(runs, rule, factors)
    return evidence, weighed(claim.id, rule, evidence)


def decided(
    rule: Rule, evidence: Evidence | None, found: Verdict, adjusted: Mapping[int, Corrected], divisor: float = 1.0
) -> Verdict:
    """The verdict, once Holm's p are known (`adjusted`, by identity of the verdict so far).

    It is decided at 0.05 divided by `divisor`, and so by a wider interval than the one of 95 % that is shown: by the
    number of attempts on the claim, of which this is the last, and by the share of alpha that a look has. While a seed
    is missing it stays open.
    """
    p = adjusted.get(id(found), Corrected(found.p_holm, found.p_short, found.p_within))
    found = replace(found, p_holm=p.beyond, p_short=p.short, p_within=p.within)
    if isinstance(rule, Identity) or evidence is None:
        return replace(found, fails=found.verdict in _NEGATIVE_VERDICTS)
    if evidence.missing or not found.n or not np.isfinite(found.interval.low):
        return found
    alpha = ALPHA / divisor
    sign = DIRECTION_SIGNS[rule.direction if isinstance(rule, Paired) else rule.worse or "higher"]
    basis = basis_of(rule, evidence, sign, alpha, None if divisor > 1 else found.interval)
    if isinstance(rule, Paired):
        word = judge(basis, rule.margin, p, alpha)
        fails = word in _NEGATIVE_VERDICTS or (p.short < alpha and basis.short_of(rule.margin))
    else:
        word, fails = _agreement(basis, rule, alpha)
    return replace(found, verdict=word, fails=fails, doubt=basis.doubt)


def finish(rule: Rule, evidence: Evidence | None, found: Verdict, data: str, attempts: int = 1) -> Verdict:
    """A decided verdict with its plan of new seeds, if it is inconclusive, and its sentence.

    With `attempts` 0 nothing is planned: the rule has looks, which say when to go on.
    """
    if attempts and evidence is not None and not isinstance(rule, Identity) and found.verdict == "inconclusive":
        found = replace(found, new_seeds=new_seeds(rule, evidence, attempts))
    return replace(found, sentence=sentence_of(rule, evidence, found, data))


def _agreement(basis: Basis, rule: Equivalence, alpha: float) -> tuple[str, bool]:
    """The verdict of a rule of tolerance, and whether it fails."""
    if basis.short_of(rule.tolerance) if rule.worse else basis.within(rule.tolerance):
        return "reproduced", False
    better = bool(rule.worse) and basis.values.mean() < 0
    outside = not better and not basis.lost and basis.beyond(rule.tolerance, alpha)
    return ("contradicted", True) if outside else ("inconclusive", False)


def new_seeds(rule: Paired | Equivalence, evidence: Evidence, attempts: int = 1) -> int | None:
    """How many new seeds would settle what is inconclusive, as a further attempt; None if that cannot be planned."""
    family = rule.family if isinstance(rule, Paired) else 1
    edge = rule.margin if isinstance(rule, Paired) else rule.tolerance
    return planned_seeds(evidence.differences, edge, family, attempts + 1)
