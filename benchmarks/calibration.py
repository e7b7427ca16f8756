"""How often verdicts are false, and what power a plan of new seeds delivers: simulated through the code that decides.

Differences of known distribution are drawn, made into the evidence that a sweep would give, and decided as a page
decides them. `docs/calibration.md` is written from what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.calibration_shapes import NEW, OLD, SHAPES, evidence_of
from workbench.report.statistics.power import power
from workbench.report.verdicts.claim_rules import Collapse, Equivalence, Paired
from workbench.report.verdicts.decision import decide_one
from workbench.report.verdicts.judging import new_seeds
from workbench.report.verdicts.notes import FAMILY

MARGIN = 2.0  # deviations: so wide that absence is often within reach, and a false one too
PAIRS = (12, 30)
PLACES = {"0": 0.0, "+m": MARGIN, "-m": -MARGIN}
FALSE = {  # of a paired rule that predicts "higher", and of a rule of tolerance: effect -> the verdicts that are false
    "0": ("reproduced", "contradicted"),
    "+m": ("reproduced", "not reproduced", "contradicted", "ruled out"),
    "-m": ("reproduced", "not reproduced", "contradicted"),
}
FALSE_OF_TOLERANCE = {
    "0": ("contradicted",),
    "+m": ("reproduced", "contradicted"),
    "-m": ("reproduced", "contradicted"),
}
# Twelve pairs of which one in ten collapses hold none in 28 of 100 cases, and nothing then tells the mean of all.
UNKNOWABLE = {("10 % collapse untold", 12)}


def paired(n: int, margin: float = MARGIN) -> Paired:
    """A rule that predicts "higher" on n seeds."""
    return Paired("score", NEW, OLD, margin, "higher", tuple(range(n)), collapse=Collapse("score", 0.0))


def tolerance(n: int) -> Equivalence:
    """A rule of tolerance on n seeds."""
    return Equivalence("score", NEW, OLD, MARGIN, tuple(range(n)), collapse=Collapse("score", 0.0))


def generator(name: str, n: int, place: int, batch: int) -> np.random.Generator:
    """The generator of a batch of trials, which no other figure draws from."""
    return np.random.default_rng([list(SHAPES).index(name), n, place, *([batch] if batch else [])])


def verdicts(
    name: str, n: int, place: str, trials: int, rule: Paired | Equivalence | None = None, batch: int = 0
) -> list[str]:
    """The verdicts on so many sweeps of a shape, at one of PLACES; "ruled out" stands for its being open otherwise."""
    rule = rule or paired(n)
    chance = generator(name, n, list(PLACES).index(place), batch)
    found = (decide_one(rule, evidence_of(SHAPES[name], chance, n, PLACES[place])) for _ in range(trials))
    return [one.outcome for one in found]


def false_share(found: list[str], false: tuple[str, ...]) -> float:
    """The share of verdicts that are false."""
    return sum(word in false for word in found) / len(found)


def row(name: str, n: int, trials: int, batch: int = 0) -> dict[str, Any]:
    """One row of the table: shares of false verdicts by effect, and the share of absences where there is none."""
    found = {place: verdicts(name, n, place, trials, batch=batch) for place in PLACES}
    level = verdicts(name, n, "0", trials, paired(n, 0.0), batch)
    equal = {place: verdicts(name, n, place, trials, tolerance(n), batch) for place in ("+m", "-m")}
    return {
        "shape": name, "pairs": n,
        "false": {place: false_share(words, FALSE[place]) for place, words in found.items()},
        "margin 0": false_share(level, FALSE["0"]),
        "tolerance": max(false_share(words, FALSE_OF_TOLERANCE[place]) for place, words in equal.items()),
        "presences": _presences(found, equal),
        "absent": found["0"].count("not reproduced") / trials,
    }  # fmt: skip


def _presences(found: Mapping[str, list[str]], equal: Mapping[str, list[str]]) -> dict[str, float]:
    """The false shares at both edges, had no absence been said: of a paired rule, and of one of tolerance."""
    paired_ones = {place: false_share(found[place], ("reproduced", "contradicted")) for place in ("+m", "-m")}
    return paired_ones | {"tolerance": max(false_share(words, ("contradicted",)) for words in equal.values())}


def worst(found: Mapping[str, Any]) -> float:
    """The largest share of false verdicts in a row."""
    return max(*found["false"].values(), found["margin 0"], found["tolerance"])


def together(trials: int, batch: int = 0, size: int = 10) -> float:
    """The share of families of so many rules, all exactly at the margin, of which any has a firm verdict."""
    chance = np.random.default_rng([size, batch])
    rule = replace(paired(PAIRS[0]), family=size)
    wrong = 0
    for _ in range(trials):
        found = (decide_one(rule, evidence_of(SHAPES["normal"], chance, PAIRS[0], MARGIN)) for _ in range(size))
        wrong += any(one.verdict != "inconclusive" or one.ruled_out for one in found)
    return wrong / trials


@dataclass(frozen=True)
class Pilot:
    """A first set of 12 normal pairs with this effect, in deviations, from which new seeds are planned."""

    effect: float
    margin: float
    family: int = 1
    tolerated: bool = False

    def rule(self, n: int) -> Paired | Equivalence:
        """The rule on n seeds."""
        if self.tolerated:
            return replace(tolerance(n), tolerance=self.margin)
        return replace(paired(n, self.margin), family=self.family)

    @property
    def right(self) -> str:
        """The verdict that is true."""
        if self.tolerated:
            return "reproduced"
        return "reproduced" if self.effect > self.margin else "not reproduced"


PILOTS = (
    Pilot(1.3, 1.0), Pilot(1.5, 1.0), Pilot(1.8, 1.0), Pilot(0.5, 0.0), Pilot(0.7, 1.0), Pilot(0.5, 1.0),
    Pilot(0.0, 1.0), Pilot(0.5, 1.0, tolerated=True), Pilot(1.5, 1.0, family=FAMILY), Pilot(0.5, 1.0, family=FAMILY),
)  # fmt: skip
LARGEST = 256  # seeds: what a larger plan delivers is computed and not simulated


@dataclass(frozen=True)
class Plans:
    """What became of `trials` pilots: how many were left open, the seeds planned from these, and of each plan the
    chance that its new seeds come to the right verdict.
    """

    trials: int = 0
    opened: int = 0
    seeds: tuple[int, ...] = ()
    chances: tuple[float, ...] = ()

    def __add__(self, other: Plans) -> Plans:
        """Those of both."""
        return Plans(self.trials + other.trials, self.opened + other.opened, self.seeds + other.seeds,
                     self.chances + other.chances)  # fmt: skip


def delivered(pilot: Pilot, trials: int, batch: int = 0) -> Plans:
    """What plans made from inconclusive pilots deliver on new seeds, decided as a second attempt."""
    chance = np.random.default_rng([PILOTS.index(pilot), batch])
    normal, first = SHAPES["normal"], pilot.rule(PAIRS[0])
    seen = [evidence_of(normal, chance, PAIRS[0], pilot.effect) for _ in range(trials)]
    opened = [one for one in seen if decide_one(first, one).verdict == "inconclusive"]
    plans = tuple(planned for one in opened if (planned := new_seeds(first, one)))
    return Plans(trials, len(opened), plans, tuple(_chance_of(pilot, n, chance) for n in plans))


def power_row(pilot: Pilot, plans: Plans) -> dict[str, Any]:
    """One row of the table of planned seeds."""
    return {
        "effect": pilot.effect, "margin": pilot.margin, "family": pilot.family, "tolerated": pilot.tolerated,
        "inconclusive": plans.opened / plans.trials, "planned": len(plans.seeds) / max(1, plans.opened),
        "seeds": float(np.median(plans.seeds)) if plans.seeds else None, "plans": len(plans.seeds),
        "power": float(np.mean(plans.chances)) if plans.seeds else None,
    }  # fmt: skip


def _chance_of(pilot: Pilot, n: int, chance: np.random.Generator) -> float:
    """1 if n new seeds come to the right verdict, else 0; of very many seeds the chance of it."""
    if n > LARGEST:
        return power(pilot.effect, 1.0, pilot.margin, n, pilot.family, attempts=2)
    found = decide_one(pilot.rule(n), evidence_of(SHAPES["normal"], chance, n, pilot.effect), divisor=2)
    return float(found.verdict == pilot.right)
