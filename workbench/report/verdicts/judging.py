"""One rule and its evidence give one verdict; see `decision` for what the words mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.report.statistics.intervals import INTERVALS, Interval
from workbench.report.statistics.tests import ALPHA, improvement, interquartile_mean, planned_seeds, sign_flip
from workbench.report.verdicts.arms import select
from workbench.report.verdicts.claim_rules import DIRECTION_SIGNS, Claim, Equivalence, Identity, Paired, Rule
from workbench.report.verdicts.evidence import Evidence, gather
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


def judge(
    differences: np.ndarray,
    margin: float,
    p_holm: float,
    interval: Interval,
    trusted: bool = True,
    alpha: float = ALPHA,
) -> str:
    """The verdict of a paired rule whose seeds are all there. `differences` (n,) and `interval` point in the predicted
    direction.

    `alpha` is the level that Holm's p is held against; the interval is of 1 - alpha. `trusted` is False if runs were
    lost: then the test alone decides, and absence of an effect cannot be shown.
    """
    side = "reproduced" if differences.mean() >= 0 else "contradicted"
    if not trusted:
        return side if p_holm < alpha else "inconclusive"
    if interval.within(margin):
        return "not reproduced"
    beyond = interval.low > margin or interval.high < -margin
    return side if beyond and p_holm < alpha else "inconclusive"


def _failures(evidence: Evidence, rule: Paired | Equivalence) -> tuple[Failures, ...]:
    return tuple(Failures(arm.arm.label, arm.lost, len(rule.seeds)) for arm in evidence.arms)


def _weigh(claim: Claim, rule: Paired | Equivalence, evidence: Evidence) -> Verdict:
    """Effect, interval, p and worst seed, before any verdict."""
    values = evidence.differences
    sign = DIRECTION_SIGNS[rule.direction] if isinstance(rule, Paired) else 1
    p = p_beyond(sign * values, rule.margin, len(evidence.diverged)) if isinstance(rule, Paired) else float("nan")
    against = sign * values if isinstance(rule, Paired) else -np.abs(values)
    place = int(np.argmin(against)) if len(values) else None
    return Verdict(
        claim.id, "inconclusive", float(values.mean()) if len(values) else float("nan"),
        INTERVALS[rule.interval](values), len(values), p, p, _failures(evidence, rule),
        float("nan") if place is None else float(values[place]), None if place is None else evidence.seeds[place],
        notes=evidence.notes, differences=tuple(zip(evidence.seeds, values.tolist(), strict=True)),
        arms=tuple((arm.arm.label, tuple(arm.values[seed] for seed in evidence.seeds)) for arm in evidence.arms),
        typical=interquartile_mean(values), improvement=improvement(sign * values),
    )  # fmt: skip


def _paired(rule: Paired, evidence: Evidence, found: Verdict, alpha: float) -> str:
    if evidence.missing or not found.n:
        return "inconclusive"
    sign = DIRECTION_SIGNS[rule.direction]
    low, high = found.interval
    interval = found.interval if sign > 0 else Interval(-high, -low)
    return judge(sign * evidence.differences, rule.margin, found.p_holm, interval, not evidence.failures, alpha)


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


def weigh(claim: Claim, rule: Rule, runs: pd.DataFrame, factors: Sequence[str] = ()) -> tuple[Evidence | None, Verdict]:
    """The evidence of a rule (None of an identity) and its verdict so far: effect, interval and p, before Holm.

    `factors` are the keys that the sweep varies.
    """
    if isinstance(rule, Identity):
        return None, _identity(claim, rule, runs)
    evidence = gather(runs, rule, factors)
    return evidence, _weigh(claim, rule, evidence)


def finish(
    rule: Rule,
    evidence: Evidence | None,
    found: Verdict,
    adjusted: Mapping[int, float],
    data: str,
    alpha: float = ALPHA,
) -> Verdict:
    """The verdict, once Holm's p is known (`adjusted`, by identity of the verdict so far), with its sentence.

    At a smaller `alpha` than 0.05 a wider interval decides than the one of 95 % that is shown.
    """
    found = replace(found, p_holm=adjusted.get(id(found), found.p_holm))
    shown = found.interval
    if not isinstance(rule, Identity) and evidence is not None and alpha < ALPHA:
        found = replace(found, interval=INTERVALS[rule.interval](evidence.differences, 1 - alpha))
    if isinstance(rule, Paired) and evidence is not None:
        found = replace(found, verdict=_paired(rule, evidence, found, alpha))
        found = replace(found, new_seeds=_new_seeds(rule, evidence, found))
    elif isinstance(rule, Equivalence) and evidence is not None:
        found = replace(found, verdict=_equivalence(rule, evidence, found))
    fails = found.verdict in _NEGATIVE_VERDICTS or (isinstance(rule, Paired) and _falls_short(rule, evidence, found))
    found = replace(found, fails=fails, interval=shown)
    return replace(found, sentence=sentence_of(rule, evidence, found, data))


def _falls_short(rule: Paired, evidence: Evidence | None, found: Verdict) -> bool:
    """Whether every seed is there, none lost, and the whole interval lies short of the margin on the predicted side."""
    if evidence is None or evidence.missing or evidence.failures:
        return False
    end = found.interval.high if DIRECTION_SIGNS[rule.direction] > 0 else -found.interval.low
    return bool(end < rule.margin)


def _new_seeds(rule: Paired, evidence: Evidence, found: Verdict) -> int | None:
    """How many new seeds would settle an inconclusive verdict, at the effect and the spread seen; None if unknown."""
    if found.verdict != "inconclusive" or found.n < 2:
        return None
    return planned_seeds(found.effect, float(evidence.differences.std(ddof=1)), rule.margin, rule.family)
