"""The same question with one setting changed at a time: the verdict names the one on which it turns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import Tables
from workbench.engine.errors import BadInput
from workbench.report.figures.findings import Findings
from workbench.report.figures.specifications import Specifications
from workbench.report.verdicts.claim_rules import Arm, Claim, Equivalence, Paired, Premise, digests, rules_of
from workbench.report.verdicts.decision import decide, decide_all
from workbench.report.verdicts.foresight import foreseen
from workbench.report.verdicts.variations import varied

SEEDS = tuple(range(12))
EPOCHS, SCALING = "training.epochs", "data.scaling"
SETTING = {EPOCHS: 40, SCALING: "standard"}
NEW, OLD = Arm("new", {"arm": "new", **SETTING}), Arm("old", {"arm": "old", **SETTING})
RULE = Paired("score", NEW, OLD, 0.05, "higher", SEEDS)
CLAIM = Claim("X1", "s", "", RULE, vary=varied(RULE, {EPOCHS: (40, 160), SCALING: ("standard", "unit")}))
PLACES = {"own": (40, "standard"), "longer": (160, "standard"), "unit": (40, "unit")}


def tables(**effects: float) -> Tables:
    """Both arms in the claim's own setting and in each of its variations, with this effect (default: 0.2)."""
    noise = np.random.default_rng(0).normal(0, 0.01, len(SEEDS))
    frames = []
    for place, (epochs, scaling) in PLACES.items():
        for arm, scores in (("old", np.zeros(12)), ("new", effects.get(place, 0.2) + noise)):
            columns = {"arm": arm, "seed": SEEDS, "score": scores, EPOCHS: epochs, SCALING: scaling}
            frames.append(pd.DataFrame(columns | {"outcome": "finished", "data.name": "digits"}))
    runs = pd.concat(frames, ignore_index=True)
    return Tables("x", {}, ("arm", EPOCHS, SCALING, "seed"), runs.assign(cell=range(len(runs))), pd.DataFrame())


def test_a_claim_that_holds_in_every_setting_is_reproduced() -> None:
    found = decide(CLAIM, tables())
    assert (found.verdict, found.condition) == ("reproduced", "")
    assert [one.verdict for one in found.varied] == ["reproduced", "reproduced"]


@pytest.mark.parametrize(
    ("effects", "condition"),
    [
        ({"longer": 0.0}, "it turns on epochs (reproduced at 40 and not reproduced at 160)"),
        ({"longer": -0.05}, "it turns on epochs (reproduced at 40 and ruled out at 160)"),
        ({"longer": -0.2}, "it turns on epochs (reproduced at 40 and contradicted at 160)"),
        ({"own": 0.0, "longer": 0.0}, "it turns on scaling (not reproduced at standard and reproduced at unit)"),
    ],
)
def test_a_conditional_verdict_names_the_setting_on_which_it_turns(effects: dict[str, float], condition: str) -> None:
    found = decide(CLAIM, tables(**effects))
    assert (found.verdict, found.condition) == ("conditional", condition)
    assert found.sentence.startswith(condition.capitalize())
    assert "when tuned" not in found.sentence


def test_a_setting_that_is_left_open_turns_nothing_and_is_said() -> None:
    found = decide(CLAIM, tables(longer=0.05))
    assert (found.verdict, found.condition) == ("reproduced", "")
    assert found.notes == ("Left open with epochs 160",)


def test_a_further_rule_that_fails_is_no_matter_of_a_setting() -> None:
    claim = replace(CLAIM, also=(replace(RULE, direction="lower"),))
    found = decide(claim, tables(longer=0.0))
    assert found.verdict == "contradicted"
    assert found.notes[-1].startswith("The claim's first rule by itself: it turns on epochs (reproduced at 40")


def test_variations_are_part_of_the_question_and_of_the_plan() -> None:
    assert len(rules_of(CLAIM)) == len(set(digests(CLAIM))) == 3
    assert len(foreseen([CLAIM])) == 2  # they ask the same of as many seeds


def test_a_setting_is_changed_only_in_arms_that_hold_its_own_value() -> None:
    rule = replace(RULE, against=(replace(NEW, where={"arm": "x", SCALING: "unit"}), OLD))
    changed = varied(rule, {SCALING: ("standard", "none")})[0].rule
    assert isinstance(changed, Paired)
    assert changed.against is not None
    assert [arm.where[SCALING] for arm in (changed.treatment, changed.baseline, *changed.against)] == [
        "none", "none", "unit", "none",
    ]  # fmt: skip
    with pytest.raises(BadInput, match=r"is varied in data.scaling, but no arm of it has the value 'unit' there"):
        varied(RULE, {SCALING: ("unit", "standard")})


def test_premises_follow_the_setting_unless_others_are_given() -> None:
    rule = replace(RULE, premises=(Premise("converged", OLD),))
    (kept,), (without,) = varied(rule, {EPOCHS: (40, 5)}), varied(rule, {EPOCHS: (40, 5)}, premises=())
    assert kept.rule.premises[0].arm == replace(OLD, where=OLD.where | {EPOCHS: 5})
    assert without.rule.premises == ()


def test_rules_of_tolerance_are_varied_too() -> None:
    rule = Equivalence("score", NEW, OLD, 0.05, SEEDS)
    claim = Claim("X1", "s", "", rule, vary=varied(rule, {EPOCHS: (40, 160)}))
    found = decide(claim, tables(own=0.0, longer=0.5))
    assert (found.verdict, found.varied[0].verdict) == ("conditional", "contradicted")


def test_the_curve_shows_every_setting_the_smallest_effect_first() -> None:
    held: Any = tables(longer=-0.1, unit=0.4)
    kind = Specifications()
    (curve,) = kind.reduce(Findings(held, list(zip([CLAIM], decide_all([CLAIM], held), strict=True))))
    assert [row[:2] for row in kind.table(curve).rows] == [
        ("epochs 160", "contradicted"), ("as the rule says", "reproduced"), ("scaling unit", "reproduced"),
    ]  # fmt: skip
