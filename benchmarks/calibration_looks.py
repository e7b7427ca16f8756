"""How often verdicts are false that are looked at more than once, and those of rules of non-inferiority: simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.calibration import FALSE, FALSE_OF_TOLERANCE, MARGIN, PAIRS, PLACES, generator, paired, tolerance
from benchmarks.calibration_shapes import HELD_OUT, SHAPES, evidence_of, first_of
from workbench.report.verdicts.claim_rules import Equivalence, Paired
from workbench.report.verdicts.decision import decide_one
from workbench.report.verdicts.evidence import Evidence
from workbench.report.verdicts.looks import at_look

LOOKS = (12, 24, 48)  # pairs
CLEAR = MARGIN + 1.0  # an effect one deviation beyond the margin, for power
SHAPES_LOOKED_AT = (
    "normal", "t(3)", "exponential", "lognormal", "ties: 6 of 10 pairs equal", "accuracies on 30 examples",
    "10 % collapse", "25 % collapse", "10 % collapse untold", *HELD_OUT,
)  # fmt: skip
SHAPES_OF_INFERIORITY = (*SHAPES_LOOKED_AT, "exponential, mirrored", "lognormal, mirrored")  # one side alone counts
NOT_INFERIOR = {"-m": FALSE_OF_TOLERANCE["-m"], "0": FALSE_OF_TOLERANCE["0"]}


@dataclass(frozen=True)
class Looked:
    """What the looks of one sweep say, up to the one that decides, and the pairs that were trained for them."""

    words: tuple[str, ...]
    pairs: int

    @property
    def last(self) -> str:
        """What it ends with."""
        return self.words[-1]


def looked_at(rule: Paired | Equivalence, evidence: Evidence) -> Looked:
    """Look at evidence of all seeds as `workbench reproduce --settle` does: go on while the verdict is inconclusive."""
    words: list[str] = []
    for place, count in enumerate(rule.looks):
        look = at_look(rule, place)
        assert isinstance(look.rule, Paired | Equivalence)
        found = decide_one(look.rule, first_of(evidence, count), 1 / look.share)
        words.append(found.outcome)
        if found.verdict != "inconclusive":
            break
    return Looked(tuple(words), count)


def looks_of(name: str, effect: float, trials: int, rule: Paired | Equivalence, batch: int = 0) -> list[Looked]:
    """The looks at so many sweeps of a shape with this effect."""
    chance = generator(name, LOOKS[-1], _place(effect), batch)
    return [looked_at(rule, evidence_of(SHAPES[name], chance, LOOKS[-1], effect)) for _ in range(trials)]


def _place(effect: float) -> int:
    return round(10 * (effect + 10))


def ever(found: list[Looked], false: tuple[str, ...]) -> float:
    """The share of sweeps of which any look says what is false."""
    return sum(any(word in false for word in one.words) for one in found) / len(found)


def _ends(found: list[Looked], word: str) -> float:
    return sum(one.last == word for one in found) / len(found)


def _pairs(found: list[Looked]) -> float:
    return float(np.mean([one.pairs for one in found]))


def row(name: str, trials: int, batch: int = 0) -> dict[str, Any]:
    """One row of the table of looks: shares of false verdicts by effect, power, and the pairs that it takes."""
    rule = replace(paired(LOOKS[-1]), looks=LOOKS)
    found = {place: looks_of(name, effect, trials, rule, batch) for place, effect in PLACES.items()}
    level = looks_of(name, 0.0, trials, replace(rule, margin=0.0), batch)
    clear = looks_of(name, CLEAR, trials, rule, batch)
    return {
        "shape": name,
        "false": {place: ever(seen, FALSE[place]) for place, seen in found.items()},
        "margin 0": ever(level, FALSE["0"]),
        "absent": _ends(found["0"], "not reproduced"), "pairs to absent": _pairs(found["0"]),
        "present": _ends(clear, "reproduced"), "pairs to present": _pairs(clear),
    }  # fmt: skip


def inferiority_row(name: str, trials: int, batch: int = 0) -> dict[str, Any]:
    """One row of non-inferiority: at so many pairs at once, and with looks, the false shares at both effects, and how
    often "not inferior" is found at no effect.
    """
    found: dict[str, Any] = {"shape": name}
    for n in (*PAIRS, LOOKS[-1]):
        rule = replace(tolerance(n), worse="lower")
        at = {place: _inferiority(name, PLACES[place], n, trials, rule, batch) for place in NOT_INFERIOR}
        found[str(n) if n in PAIRS else "looks"] = {
            "false": {place: ever(at[place], NOT_INFERIOR[place]) for place in NOT_INFERIOR},
            "shown": _ends(at["0"], "reproduced"),
        }
    return found


def _inferiority(name: str, effect: float, n: int, trials: int, rule: Equivalence, batch: int) -> list[Looked]:
    if n == LOOKS[-1]:
        return looks_of(name, effect, trials, replace(rule, looks=LOOKS), batch)
    chance = generator(name, n, _place(effect), batch)
    found = (decide_one(rule, evidence_of(SHAPES[name], chance, n, effect)) for _ in range(trials))
    return [Looked((one.outcome,), n) for one in found]


def worst(found: dict[str, Any]) -> float:
    """The largest share of false verdicts in a row of either table."""
    if "margin 0" in found:
        return max(*found["false"].values(), found["margin 0"])
    return max(share for key in ("12", "30", "looks") for share in found[key]["false"].values())
