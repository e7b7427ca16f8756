"""A verdict: one of five words, with the evidence behind it."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.report.language.words import say
from workbench.report.statistics.intervals import Interval

VERDICTS = {
    "reproduced": say("verdict_means.reproduced"),
    "conditional": say("verdict_means.conditional"),
    "not reproduced": say("verdict_means.not_reproduced"),
    "contradicted": say("verdict_means.contradicted"),
    "inconclusive": say("verdict_means.inconclusive"),
}


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
    the predicted side. `p_short` and `p_within` are Student's, Holm-corrected, that the effect is short of the margin
    on the predicted side, and within it on both; `doubt` says why these runs cannot show that, and of an identity which
    premise fails. `new_seeds` is how many further seeds would settle what is inconclusive, deciding alone.
    `fails` says that the predicted effect is ruled out: not reproduced, contradicted, or open only between the two.
    `by_itself` is the verdict by the claim's first rule alone, whose effect and interval these are. `fixed` says
    whether the very rules stood in the store when the sweep started, `stored` whether any of this claim did.
    `arms` are the arms with their values on the seeds that all of them have, in the order of the differences.
    `attempts` is how many attempts on the claim this is the last of. `also` are the verdicts by the claim's further
    rules, `tuned` is the one in the tuned setting, `varied` are those of its variations. `condition` says on what a
    conditional claim depends.
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
    arms: tuple[tuple[str, tuple[float, ...]], ...] = ()
    typical: float = float("nan")
    improvement: float = float("nan")
    p_short: float = float("nan")
    p_within: float = float("nan")
    doubt: str = ""
    new_seeds: int | None = None
    fails: bool = False
    by_itself: str = ""
    fixed: bool = False
    stored: bool = False
    attempts: int = 1
    also: tuple[Verdict, ...] = ()
    tuned: Verdict | None = None
    varied: tuple[Verdict, ...] = ()
    condition: str = ""

    @property
    def ruled_out(self) -> bool:
        """Whether the predicted effect is ruled out while it stays open whether the opposite is there."""
        return self.fails and self.verdict == "inconclusive"

    @property
    def outcome(self) -> str:
        """The verdict in words, *ruled out* where that is known."""
        return "ruled out" if self.ruled_out else self.verdict
