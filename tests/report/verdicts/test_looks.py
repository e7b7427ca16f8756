"""Looking more than once: alpha is spent beforehand, so that all looks together err no more often than it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.report.synthetic import Tables
from workbench.engine.errors import BadInput
from workbench.report.verdicts.claim_rules import Arm, Claim, Paired
from workbench.report.verdicts.decision import decide
from workbench.report.verdicts.looks import Look, look_at, seeds_to_train

LOOKS = (12, 24, 48)
NEW, OLD = Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"})
RULE = Paired("score", NEW, OLD, 0.05, "higher", tuple(range(48)), looks=LOOKS)
CLAIM = Claim("X1", "s", "", RULE)


def tables(differences: np.ndarray, held: int) -> Tables:
    """The first `held` seeds have a result, the others are still to be trained."""
    frames = [
        pd.DataFrame({"arm": arm, "seed": range(48), "score": scores, "outcome": "finished"})
        for arm, scores in (("old", np.zeros(48)), ("new", differences))
    ]
    runs = pd.concat(frames, ignore_index=True).assign(**{"data.name": "digits"})
    runs.loc[runs["seed"] >= held, ["outcome", "score"]] = ["pending", np.nan]
    return Tables("x", {}, ("arm", "seed"), runs.assign(cell=range(len(runs))), pd.DataFrame())


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, 48)


def test_all_looks_together_spend_alpha() -> None:
    shares = [Look(RULE, LOOKS, place).share for place in range(3)]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    assert Look(RULE).share == 1


def test_a_look_spends_as_pococks_boundary_does() -> None:
    """ln(1 + (e - 1) t) at a quarter, a half and all of the seeds is 0.357, 0.620 and 1 (Lan and DeMets 1983)."""
    shares = [Look(RULE, LOOKS, place).share for place in range(3)]
    assert shares == pytest.approx([0.357, 0.620 - 0.357, 1 - 0.620], abs=1e-3)


@pytest.mark.parametrize(("held", "place"), [(0, 0), (11, 0), (12, 0), (23, 0), (24, 1), (47, 1), (48, 2)])
def test_the_last_look_whose_seeds_are_all_there_decides(held: int, place: int) -> None:
    assert look_at(RULE, tables(noise(), held).runs).place == place


def test_a_large_effect_is_decided_at_the_first_look() -> None:
    found = decide(CLAIM, tables(noise() + 0.5, 12))
    assert (found.verdict, found.n) == ("reproduced", 12)
    assert "Look 1 of 3, at 12 of 48 seeds" in found.notes[-1]


def test_what_is_open_says_when_it_is_looked_at_next_and_plans_nothing_else() -> None:
    found = decide(CLAIM, tables(noise() + 0.07, 24))
    assert (found.verdict, found.new_seeds) == ("inconclusive", None)
    assert found.notes[-1].endswith("the next one is at 48 seeds")


def test_a_look_decides_at_its_share_of_alpha() -> None:
    values = 0.05 + 0.02 * (noise(3) - noise(3)[:12].mean()) / noise(3)[:12].std()
    p = stats.t.sf(2.4, 11) * 2  # within 5 %, not within the first look's share of it
    values = values + 2.4 * 0.02 / np.sqrt(11)
    assert Look(RULE, LOOKS, 0).share * 0.05 < p < 0.05
    alone = replace(RULE, seeds=RULE.seeds[:12], looks=())
    assert decide(replace(CLAIM, rule=RULE), tables(values, 12)).verdict == "inconclusive"
    assert decide(replace(CLAIM, rule=alone), tables(values, 12)).p < 0.05


@pytest.mark.thorough
def test_false_verdicts_are_rare_however_often_it_is_looked_at() -> None:
    trials = 60
    false = 0
    for seed in range(trials):
        values = noise(seed) + 0.05  # exactly at the margin
        false += any(decide(CLAIM, tables(values, held)).verdict != "inconclusive" for held in LOOKS)
    assert false <= stats.binom.ppf(0.999, trials, 0.05)


def test_seeds_to_train_are_those_of_the_look_and_of_the_next_one_if_it_is_open() -> None:
    held = tables(noise(), 12).runs
    assert seeds_to_train([CLAIM], None, ()) == tuple(range(12))
    assert seeds_to_train([CLAIM], held, ()) == tuple(range(12))
    assert seeds_to_train([CLAIM], held, ("X1",)) == tuple(range(24))
    assert seeds_to_train([CLAIM], tables(noise(), 48).runs, ("X1",)) == tuple(range(48))


@pytest.mark.parametrize("looks", [(6, 48), (12, 24), (24, 12, 48)])
def test_looks_rise_to_all_seeds(looks: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=r"looks of the rule on score are .*; allowed: rising, from 12 or more to 48"):
        replace(RULE, looks=looks)
