"""How many new seeds decide a rule with a promised power, planned from what a first set of seeds has shown.

The effect seen is uncertain, and so is the spread. A plan that takes both as they were seen promises too much: of a
promised 0.8 as little as 0.42 was measured. So a plan takes the distance from the edge that is next and the spread at
bounds on the safe side. The power it delivers is measured in docs/calibration.md.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from workbench.report.statistics.bootstrap_t import BOOTSTRAP_SHARE
from workbench.report.statistics.tests import ALPHA, FEWEST_SEEDS

MOST_PLANNED = 5_000  # seeds; a larger plan is not shown
POWER = 0.8
SAFE = 0.8  # the chance that the true distance from the edge is at least the one planned with; that of the spread too
_FARTHEST_EDGE = 30.0  # standard errors from an edge: further away SciPy's noncentral t is not accurate


def power(effect: float, deviation: float, margin: float, n: int, family: int = 1, attempts: int = 1) -> float:
    """Chance that n new seeds decide a rule, for normal differences of this mean and standard deviation.

    Beyond the margin the interval and the test must lie beyond the edge, within it they must lie between both edges:
    the interval at a quarter of the error, as bootstrap-t is, the test at Holm's strictest level. `family` is the
    number of tests that Holm's correction runs over, `attempts` that of the attempts on the claim, the new one
    included.
    """
    scale, inside = deviation / np.sqrt(n), abs(effect) < margin
    if scale == 0:
        return float(abs(effect) != margin)
    critical = stats.t.isf(ALPHA / 2 / attempts * min(BOOTSTRAP_SHARE, 1 / family), n - 1)
    near, far = ((margin + side * abs(effect)) / scale for side in (-1, 1))
    reached = [float(stats.nct.sf(critical, n - 1, min(abs(edge), _FARTHEST_EDGE))) for edge in (near, far)]
    return max(0.0, sum(reached) - 1) if inside else reached[0]


def fewest(effect: float, deviation: float, margin: float, family: int = 1, attempts: int = 1) -> int | None:
    """The fewest seeds, 12 or more, that decide a rule with power 0.8 at this effect and spread; None over 5,000."""
    if power(effect, deviation, margin, MOST_PLANNED, family, attempts) < POWER:
        return None
    low, high = FEWEST_SEEDS - 1, MOST_PLANNED
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, deviation, margin, middle, family, attempts) < POWER:
            low = middle
        else:
            high = middle
    return high


def planned_seeds(values: np.ndarray, margin: float, family: int = 1, attempts: int = 1) -> int | None:
    """The fewest new seeds that decide a rule as the differences `values` (n,) promise at their safe bounds.

    The distance of the effect from the next edge is taken at its lower bound, the spread at its upper one. None if the
    effect may as well lie on the other side of the edge, or 5,000 seeds would not do.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 2:
        return None
    effect, deviation = abs(float(values.mean())), float(values.std(ddof=1))
    distance = abs(effect - margin) - stats.t.ppf(SAFE, n - 1) * deviation / np.sqrt(n)
    if distance <= 0:
        return None
    safe = margin + distance if effect > margin else margin - distance
    return fewest(safe, deviation * np.sqrt((n - 1) / stats.chi2.ppf(1 - SAFE, n - 1)), margin, family, attempts)
