"""The five verdicts, exactly as the rules define them, and the error rates they promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.report.claims import Arm, Claim, Collapse, Equivalence, Identity, Paired, Tuning, canonical_rules
from workbench.report.statistics import INTERVALS
from workbench.report.verdicts import Verdict, decide, decide_all, judge, p_beyond

from .synthetic import Tables

SEEDS = tuple(range(12))
A, B = Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"})
RULE = Paired("score", A, B, 0.05, "higher", SEEDS)
NOISE = np.random.default_rng(0).normal(0, 0.01, len(SEEDS))


def tables(arms: dict[str, Any], **columns: Any) -> Tables:
    """One run a seed and arm with these scores."""
    frames = [
        pd.DataFrame({"arm": arm, "seed": range(len(scores)), "score": scores, "outcome": "finished"})
        for arm, scores in arms.items()
    ]
    runs = pd.concat(frames, ignore_index=True).assign(**{"data.name": "digits"}, **columns)
    return Tables("x", {}, ("arm", "seed"), runs.assign(cell=range(len(runs))), pd.DataFrame())


def verdict(effect: float, rule: Any = RULE, noise: np.ndarray = NOISE) -> Verdict:
    base = np.linspace(0.5, 0.6, len(SEEDS))
    return decide(Claim("X1", "s", "", rule), tables({"old": base, "new": base + effect + noise}))


@pytest.mark.parametrize(
    ("effect", "expected"),
    [(0.2, "reproduced"), (0.0, "not reproduced"), (-0.2, "contradicted"), (0.05, "inconclusive")],
)
def test_the_size_of_the_effect_decides(effect: float, expected: str) -> None:
    found = verdict(effect)
    assert found.verdict == expected
    assert found.n == 12
    assert found.effect == pytest.approx(effect + NOISE.mean())
    assert "On this dataset (digits)" in found.sentence


def test_a_prediction_of_lower_mirrors_one_of_higher() -> None:
    lower = replace(RULE, direction="lower")
    assert verdict(-0.2, lower).verdict == "reproduced"
    assert verdict(0.2, lower).verdict == "contradicted"


def test_the_worst_seed_is_the_one_that_speaks_most_against() -> None:
    assert verdict(0.2).worst_seed == int(np.argmin(NOISE))
    assert verdict(-0.2, replace(RULE, direction="lower")).worst_seed == int(np.argmax(NOISE))


def test_a_seed_without_result_leaves_it_open() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    held.runs.loc[3, "outcome"] = "pending"
    found = decide(Claim("X1", "s", "", RULE), held)
    assert (found.verdict, found.n) == ("inconclusive", 11)
    assert "1 of the 12 seeds" in found.sentence


def test_other_seeds_than_the_rules_do_not_count() -> None:
    late = tables({"old": np.zeros(24), "new": np.concatenate([NOISE, np.full(12, 0.9)])})
    assert decide(Claim("X1", "s", "", RULE), late).verdict == "not reproduced"


def test_what_an_arm_leaves_open_is_averaged_within_the_seed() -> None:
    twice = tables({"old": np.zeros(12), "new": np.full(12, 0.3)})
    more = tables({"new": np.full(12, 0.1) + NOISE})
    both = replace(twice, runs=pd.concat([twice.runs, more.runs], ignore_index=True))
    found = decide(Claim("X1", "s", "", RULE), both)
    assert found.effect == pytest.approx(0.2 + NOISE.mean() / 2)


def test_difference_in_differences() -> None:
    rule = replace(RULE, against=(Arm("new2", {"arm": "new2"}), Arm("old2", {"arm": "old2"})))
    scores = {"old": np.zeros(12), "new": np.full(12, 0.3) + NOISE, "old2": np.ones(12), "new2": np.full(12, 1.3)}
    assert decide(Claim("X1", "s", "", rule), tables(scores)).verdict == "not reproduced"


def test_one_run_can_be_compared_with_itself() -> None:
    rule = replace(RULE, treatment=Arm("best", {}), baseline=Arm("last", {}, metric="last"))
    held = tables({"old": np.full(12, 0.8) + NOISE}, last=0.5)
    assert decide(Claim("D1", "s", "", rule), held).verdict == "reproduced"


def test_a_claims_own_measure_fills_the_metric() -> None:
    held = tables({"old": np.zeros(12), "new": np.zeros(12)})

    def measure(sweep: Any) -> pd.Series:
        return pd.Series(np.where(sweep.runs["arm"] == "new", 0.4, 0.1), index=sweep.runs["cell"])

    claim = Claim("C5", "s", "", replace(RULE, metric="slope"), measure=measure)
    assert decide(claim, held).effect == pytest.approx(0.3)


def _diverging(count: int) -> Tables:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    held.runs.loc[12 : 11 + count, ["outcome", "score"]] = ["diverged", np.nan]
    return held


def test_where_runs_diverge_the_test_alone_decides_and_they_count_against() -> None:
    few, many = (decide(Claim("X1", "s", "", RULE), _diverging(count)) for count in (1, 5))
    assert few.verdict == "reproduced"
    assert few.failures[0].lost == 1
    assert few.p > decide(Claim("X1", "s", "", RULE), _diverging(0)).p
    assert many.verdict == "inconclusive"


def test_absence_of_an_effect_cannot_be_shown_among_collapsed_runs() -> None:
    rule = replace(RULE, collapse=Collapse("score", 0.2))
    scores = {"old": np.full(12, 0.8), "new": np.full(12, 0.8) + NOISE}
    assert decide(Claim("X1", "s", "", rule), tables(scores)).verdict == "not reproduced"
    scores["new"][0] = scores["old"][0] = 0.1
    found = decide(Claim("X1", "s", "", rule), tables(scores))
    assert (found.verdict, found.failures[0].lost) == ("inconclusive", 1)


def test_arms_are_tuned_on_seeds_that_do_not_decide() -> None:
    rows = []
    for arm, rate, seed in ((a, r, s) for a in ("new", "old") for r in (0.1, 0.2, 0.4) for s in range(16)):
        best = 0.2 if arm == "new" else 0.4
        score = 0.9 if arm == "new" and rate == 0.1 and seed < 12 else 0.5  # looks best only where it must not count
        rows.append((arm, rate, seed, score, abs(rate - best), "finished"))
    runs = pd.DataFrame(rows, columns=["arm", "rate", "seed", "score", "best_validation_loss", "outcome"])
    rule = replace(RULE, tuning=Tuning(("rate",), (12, 13, 14, 15)))
    found = decide(Claim("B1", "s", "", rule), Tables("x", {}, (), runs.assign(cell=range(len(runs))), pd.DataFrame()))
    assert found.effect == 0.0
    assert any("tuned to rate 0.2" in note for note in found.notes)
    assert any("old" in note and "edge of its grid" in note for note in found.notes)


@pytest.mark.parametrize("rule", [replace(RULE, metric="nope"), replace(RULE, baseline=Arm("gone", {"arm": "gone"}))])
def test_a_rule_about_nothing_held_is_inconclusive_and_says_why(rule: Paired) -> None:
    found = verdict(0.2, rule)
    assert (found.verdict, found.n) == ("inconclusive", 0)
    assert any("the sweep holds no" in note for note in found.notes)


@pytest.mark.parametrize(
    ("gap", "spread", "expected"),
    [(0.0, 0.01, "reproduced"), (0.5, 0.01, "contradicted"), (0.0, 1.0, "inconclusive"), (0.05, 0.01, "inconclusive")],
)
def test_equivalence_must_not_pass_by_being_noisy(gap: float, spread: float, expected: str) -> None:
    rule = Equivalence("score", A, B, 0.05, SEEDS)
    assert verdict(gap, rule, (NOISE - NOISE.mean()) * spread / 0.01).verdict == expected


def test_an_identity_is_judged_by_its_largest_error() -> None:
    rule = Identity("score", Arm("all", {}), 1e-6)
    errors = np.full(12, 1e-8)
    assert decide(Claim("B2", "s", "", rule), tables({"old": errors})).verdict == "reproduced"
    errors[7] = -1e-3
    found = decide(Claim("B2", "s", "", rule), tables({"old": errors}))
    assert (found.verdict, found.worst_seed, found.worst) == ("not reproduced", 7, 1e-3)
    errors[7] = np.nan
    assert decide(Claim("B2", "s", "", rule), tables({"old": errors})).verdict == "inconclusive"


def test_a_claim_that_holds_in_one_setting_only_is_conditional() -> None:
    other = replace(RULE, treatment=Arm("tuned", {"arm": "tuned"}))
    claim = Claim("C4", "s", "", RULE, tuned=other, condition="only with plain gradient descent")
    scores = {"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE, "tuned": NOISE}
    found = decide(claim, tables(scores))
    assert found.verdict == "conditional"
    assert "only with plain gradient descent" in found.sentence
    scores["tuned"] = np.full(12, 0.05) + NOISE  # undecided: nothing shows that the settings differ
    assert decide(claim, tables(scores)).verdict == "reproduced"


def test_the_family_is_part_of_the_verdict() -> None:
    assert verdict(0.2).p_holm == 2.0**-11
    assert verdict(0.2, replace(RULE, family=22)).p_holm == pytest.approx(22 * 2.0**-11)
    assert verdict(0.2, replace(RULE, family=200)).verdict == "inconclusive"


def test_known_p_of_other_pages_sharpen_holm() -> None:
    claim = Claim("X1", "s", "", replace(RULE, family=5))
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    alone = decide(claim, held)
    assert decide(claim, held, {"X2": 1e-6, "X3": 1e-6}).p_holm < alone.p_holm


def test_claims_of_one_page_share_holm() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    pair = decide_all([Claim("X1", "s", "", RULE), Claim("X2", "s", "", RULE)], held)
    assert [one.p_holm for one in pair] == [2.0**-10] * 2


def test_a_verdict_knows_whether_its_rule_came_first() -> None:
    claim = Claim("X1", "s", "", RULE)
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    assert not decide(claim, held).fixed
    assert decide(claim, replace(held, facts={"rules": canonical_rules([claim])})).fixed


@pytest.mark.parametrize("effect", [0.0, 0.5, -0.5])
def test_false_verdicts_at_no_effect_and_exactly_at_the_margin(effect: float) -> None:
    """At an effect of 0 or +-m neither "reproduced" nor "contradicted" is true: together at most about 5 %."""
    draws = np.random.default_rng(11).normal(effect, 1.0, size=(3000, 12))
    found = [judge(values, 0.5, p_beyond(values, 0.5), INTERVALS["t"](values)) for values in draws]
    assert np.mean([one in ("reproduced", "contradicted") for one in found]) <= 0.05


def test_false_absence_at_the_margin_is_as_rare() -> None:
    draws = np.random.default_rng(12).normal(0.5, 0.4, size=(3000, 12))
    found = [judge(values, 0.5, p_beyond(values, 0.5), INTERVALS["t"](values)) for values in draws]
    assert np.mean([one == "not reproduced" for one in found]) <= 0.05
