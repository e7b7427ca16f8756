"""What a verdict rests on: the differences, the interval that decides, and what keeps absence from being shown.

Runs that come to nothing are another thing than runs that train a little worse, and no interval of a mean of both can
be trusted. So an effect is what it is among the pairs in which both runs trained, and the shares of lost runs stand
beside it. A presence must hold of all pairs and of these; an absence is shown only if nothing was lost, no pair
stands apart as a collapsed one does, and the differences are not too skewed. docs/calibration.md has the error rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.report.language.words import say
from workbench.report.statistics.bootstrap_t import deciding_interval
from workbench.report.statistics.intervals import Interval
from workbench.report.statistics.shape import apart, is_skewed, skewness
from workbench.report.statistics.tests import ALPHA, shares_differ
from workbench.report.verdicts.claim_rules import Equivalence, Paired
from workbench.report.verdicts.evidence import Evidence


@dataclass(frozen=True)
class Basis:
    """Differences (n,) that point in the predicted direction, and their deciding interval.

    `trained` is the interval of those pairs that trained: none of their runs lost, none apart from the others; None
    if they are fewer than half of the seeds. Then `shares`, the p of Fisher's test that both arms lose equally many,
    decides beside the sign-flip test. `lost` says whether any run diverged or collapsed, `doubt` why these differences
    cannot show that something is absent, "" if they can.
    """

    values: np.ndarray
    interval: Interval
    trained: Interval | None
    shares: float
    lost: bool
    doubt: str

    def beyond(self, edge: float, alpha: float = ALPHA) -> bool:
        """Whether every interval that counts lies wholly beyond the edge, on the side of the mean."""
        sign = 1 if self.values.mean() >= 0 else -1
        counting = [] if self.lost else [self.interval]
        if self.trained is not None:
            counting.append(self.trained)
        elif not self.shares < alpha:
            return False
        return all((one.low if sign > 0 else -one.high) > edge for one in counting)

    def within(self, edge: float) -> bool:
        """Whether the interval lies within both edges, and can be believed."""
        return not self.doubt and self.interval.within(edge)

    def short_of(self, edge: float) -> bool:
        """Whether the interval lies short of the edge on the predicted side, and can be believed."""
        return not self.doubt and self.interval.high < edge


def basis_of(
    rule: Paired | Equivalence,
    evidence: Evidence,
    sign: int = 1,
    alpha: float = ALPHA,
    known: Interval | None = None,
) -> Basis:
    """The basis of a verdict on this evidence, which holds a difference; `sign` is -1 for a rule that predicts "lower".

    `known` is the deciding interval of the differences as they are, if it has been computed.
    """
    edge = rule.margin if isinstance(rule, Paired) else rule.tolerance
    values, whole = sign * evidence.differences, sign * evidence.whole
    strays = apart(whole, edge)
    trained = whole[~strays]
    if known is None:
        interval = deciding_interval(values, 1 - alpha, rule.interval)
    else:
        interval = known if sign > 0 else Interval(-known.high, -known.low)
    of_trained: Interval | None = interval
    if 2 * len(trained) < len(rule.seeds):
        of_trained = None
    elif len(trained) < len(values):
        of_trained = deciding_interval(trained, 1 - alpha, rule.interval)
    family = rule.family if isinstance(rule, Paired) else 1
    doubt = _doubt(evidence, values, int(strays.sum()))
    return Basis(values, interval, of_trained, family * shares_of(evidence), evidence.failures, doubt)


def shares_of(evidence: Evidence) -> float:
    """p of Fisher's exact test that both arms lose equally many runs; NaN of a difference in differences."""
    if len(evidence.arms) != 2:
        return float("nan")
    seeds = len(evidence.seeds) + len(evidence.diverged)
    one, other = evidence.arms
    return shares_differ(one.lost, seeds, other.lost, seeds)


def _doubt(evidence: Evidence, values: np.ndarray, strays: int) -> str:
    if evidence.failures:
        return say("doubt.lost")
    if strays:
        return say("doubt.strays", strays=strays, count=len(values))
    if is_skewed(values):
        return say("doubt.skewed", skewness=f"{skewness(values):.2g}")
    return ""
