"""The five verdicts, exactly as the rules define them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import Tables
from workbench.config import RunConfig
from workbench.engine.errors import BadInput
from workbench.report.statistics.power import planned_seeds
from workbench.report.verdicts.arms import refuse_open_arms, select
from workbench.report.verdicts.claim_rules import (
    Arm,
    Claim,
    Collapse,
    Equivalence,
    Identity,
    Paired,
    Premise,
    Tuning,
)
from workbench.report.verdicts.decision import decide, decide_all
from workbench.report.verdicts.sentences import rule_warning
from workbench.report.verdicts.stored_rules import canonical_rules
from workbench.report.verdicts.verdict import Verdict
from workbench.sweep.hydra.composing.cell import Cell

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


def _of_two_widths() -> Tables:
    narrow = tables({"old": np.zeros(12), "new": np.full(12, 0.3)}, width=8)
    wide = tables({"old": np.zeros(12), "new": np.full(12, 0.1) + NOISE}, width=64)
    runs = pd.concat([narrow.runs, wide.runs], ignore_index=True)
    return replace(narrow, runs=runs.assign(cell=range(len(runs))), factors=("arm", "width", "seed"))


def test_what_an_arm_says_it_averages_over_is_averaged_within_the_seed() -> None:
    rule = replace(RULE, treatment=replace(A, averaged_over=("width",)), baseline=replace(B, averaged_over=("width",)))
    found = decide(Claim("X1", "s", "", rule), _of_two_widths())
    assert (found.verdict, found.effect) == ("reproduced", pytest.approx(0.2 + NOISE.mean() / 2))


@pytest.mark.parametrize(("outcome", "lost"), [("pending", 0), ("diverged", 1)])
def test_a_seed_of_several_runs_has_a_value_only_if_all_of_them_have(outcome: str, lost: int) -> None:
    rule = replace(RULE, treatment=replace(A, averaged_over=("width",)), baseline=replace(B, averaged_over=("width",)))
    held = _of_two_widths()
    one = (held.runs["arm"] == "new") & (held.runs["seed"] == 3) & (held.runs["width"] == 8)
    held.runs.loc[one, ["outcome", "score"]] = [outcome, np.nan]
    found = decide(Claim("X1", "s", "", rule), held)
    assert (found.n, found.failures[0].lost) == (11, lost)
    assert ("1 of the 12 seeds" in found.sentence) == (outcome == "pending")


def test_an_arm_that_leaves_a_swept_key_open_decides_nothing() -> None:
    found = decide(Claim("X1", "s", "", RULE), _of_two_widths())
    assert found.verdict == "inconclusive"
    assert "the arm 'new' leaves width open" in found.sentence


def _cells(*widths: int) -> list[Cell]:
    networks = [replace(RunConfig().network, width=width) for width in widths]
    return [
        Cell(place, (), {"network.width": network.width}, replace(RunConfig(), network=network, arm="new"), {})
        for place, network in enumerate(networks)
    ]


def test_such_an_arm_is_refused_before_anything_is_trained() -> None:
    rule = replace(RULE, metric="last_train_accuracy")
    with pytest.raises(BadInput, match=r"claim X1: the arm 'new' leaves network.width open; allowed: ") as caught:
        refuse_open_arms([Claim("X1", "s", "", rule)], _cells(8, 64))
    assert "\n" not in str(caught.value)
    refuse_open_arms([Claim("X1", "s", "", rule)], _cells(8))
    misspelt = replace(RULE, metric="last_train_acuracy")
    with pytest.raises(BadInput, match="no run measures 'last_train_acuracy'; did you mean last_train_accuracy"):
        refuse_open_arms([Claim("X1", "s", "", misspelt)], _cells(8))
    elsewhere = replace(rule, treatment=Arm("deep", {"network.dept": 8}))
    with pytest.raises(BadInput, match=r"claim X1: 'network.dept' is no key of its sweep; did you mean network.depth"):
        refuse_open_arms([Claim("X1", "s", "", elsewhere)], _cells(8))
    said = replace(rule, treatment=replace(A, averaged_over=("network.width",)))
    refuse_open_arms([Claim("X1", "s", "", said)], _cells(8, 64))


def test_an_arm_may_ask_for_no_value() -> None:
    runs = pd.DataFrame({"size": [np.nan, 8.0, np.nan], "place": range(3)})
    assert select(runs, Arm("all", {"size": None}))["place"].tolist() == [0, 2]
    assert select(runs, Arm("small", {"size": 8}))["place"].tolist() == [1]


def test_difference_in_differences() -> None:
    rule = replace(RULE, against=(Arm("new2", {"arm": "new2"}), Arm("old2", {"arm": "old2"})))
    scores = {"old": np.zeros(12), "new": np.full(12, 0.3) + NOISE, "old2": np.ones(12), "new2": np.full(12, 1.3)}
    assert decide(Claim("X1", "s", "", rule), tables(scores)).verdict == "not reproduced"


def test_one_run_can_be_compared_with_itself() -> None:
    rule = replace(RULE, treatment=Arm("best", {}), baseline=Arm("last", {}, metric="last"))
    held = tables({"old": np.full(12, 0.8) + NOISE}, last=0.5)
    assert decide(Claim("D1", "s", "", rule), held).verdict == "reproduced"


def test_an_arm_may_be_a_fixed_number() -> None:
    rule = replace(RULE, baseline=Arm("no change", constant=0.3))
    held = tables({"new": np.full(12, 0.5) + NOISE})
    assert decide(Claim("C5", "s", "", rule), held).effect == pytest.approx(0.2 + NOISE.mean())


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
    scores["new"][0] = 0.2  # what is at most that much counts as collapsed
    assert decide(Claim("X1", "s", "", rule), tables(scores)).failures[0].lost == 1


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
    beyond = runs[runs["rate"] == 0.4].assign(rate=0.8, outcome="diverged", score=np.nan, best_validation_loss=np.nan)
    wider = pd.concat([runs, beyond], ignore_index=True)
    found = decide(
        Claim("B1", "s", "", rule), Tables("x", {}, (), wider.assign(cell=range(len(wider))), pd.DataFrame())
    )
    assert not any("edge of its grid" in note for note in found.notes)  # where all diverged the grid has an end


def _grid(outcome: str) -> Tables:
    """Rate 0.4 looks better than 0.1 by the tuning seeds that finished; its last one came to `outcome`, or was not
    asked for if that is "".
    """
    rows = [
        (arm, rate, seed, rate, -rate, "finished")
        for arm in ("new", "old")
        for rate in (0.1, 0.4)
        for seed in range(16)
    ]
    runs = pd.DataFrame(rows, columns=["arm", "rate", "seed", "score", "best_validation_loss", "outcome"])
    last = (runs["arm"] == "new") & (runs["rate"] == 0.4) & (runs["seed"] == 15)
    runs.loc[last, ["outcome", "best_validation_loss"]] = [outcome, np.nan]
    runs = runs[runs["outcome"] != ""]
    return Tables("x", {}, ("arm", "rate", "seed"), runs.assign(cell=range(len(runs))), pd.DataFrame())


@pytest.mark.parametrize(
    ("outcome", "note"),
    [("diverged", "new: tuned to rate 0.1"), ("", "new: tuned to rate 0.1"), ("pending", "has ended")],
)
def test_a_value_wins_only_if_every_tuning_seed_finished(outcome: str, note: str) -> None:
    rule = replace(RULE, tuning=Tuning(("rate",), (12, 13, 14, 15)))
    found = decide(Claim("B1", "s", "", rule), _grid(outcome))
    assert any(note in one for one in found.notes)
    assert "old: tuned to rate 0.4" in found.notes


def test_what_is_tuned_by_may_be_better_if_higher() -> None:
    rule = replace(RULE, tuning=Tuning(("rate",), (12, 13, 14, 15), metric="score", better="higher"))
    assert "old: tuned to rate 0.4" in decide(Claim("B1", "s", "", rule), _grid("finished")).notes


def test_tuned_by_seed_every_deciding_seed_has_the_choice_of_its_own_tuning_seeds() -> None:
    best = {seed: 0.1 if seed % 3 else 0.4 for seed in range(100, 112)}  # on a third of the tuning seeds 0.4 wins
    rows = [
        (arm, rate, seed, rate if arm == "new" else 0.0, abs(rate - best.get(seed, 0.0)), "finished")
        for arm in ("new", "old") for rate in (0.05, 0.1, 0.4, 0.8) for seed in (*range(12), *best)
    ]  # fmt: skip
    runs = pd.DataFrame(rows, columns=["arm", "rate", "seed", "score", "best_validation_loss", "outcome"])
    held = Tables("x", {}, (), runs.assign(cell=range(len(runs))), pd.DataFrame())
    rule = replace(RULE, tuning=Tuning(("rate",), tuple(best), by_seed=1))
    found = decide(Claim("C18", "s", "", rule), held)
    chosen = [best[100 + seed] for seed in range(12)]
    assert [value for _, value in found.differences] == pytest.approx(chosen)
    assert "new: tuned to rate 0.4 (of 4\u00a0seeds)" in found.notes


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


@pytest.mark.parametrize(
    ("gap", "worse", "expected"),
    [
        (0.0, "lower", "reproduced"), (0.5, "lower", "reproduced"), (-0.5, "lower", "contradicted"),
        (-0.05, "lower", "inconclusive"), (-0.5, "higher", "reproduced"), (0.5, "higher", "contradicted"),
    ],
)  # fmt: skip
def test_not_inferior_is_whoever_loses_less_than_the_tolerance(gap: float, worse: str, expected: str) -> None:
    found = verdict(gap, Equivalence("score", A, B, 0.05, SEEDS, worse=worse), NOISE - NOISE.mean())
    assert (found.verdict, found.fails) == (expected, expected == "contradicted")


def test_where_runs_diverge_a_rule_of_tolerance_contradicts_nothing() -> None:
    """No interval of what is left can be trusted, and such a rule has no test of signs in its place."""
    rule = Equivalence("score", A, B, 0.05, SEEDS)
    assert decide(Claim("X1", "s", "", rule), _diverging(0)).verdict == "contradicted"
    assert decide(Claim("X1", "s", "", rule), _diverging(1)).verdict == "inconclusive"


def test_an_identity_is_judged_by_its_largest_error() -> None:
    rule = Identity("score", Arm("all", {}), 1e-6)
    errors = np.full(12, 1e-8)
    assert decide(Claim("B2", "s", "", rule), tables({"old": errors})).verdict == "reproduced"
    errors[7] = -1e-3
    found = decide(Claim("B2", "s", "", rule), tables({"old": errors}))
    assert (found.verdict, found.worst_seed, found.worst) == ("not reproduced", 7, 1e-3)
    errors[7] = np.nan
    assert decide(Claim("B2", "s", "", rule), tables({"old": errors})).verdict == "inconclusive"


@pytest.mark.parametrize("outcome", ["pending", "failed", "diverged"])
def test_an_identity_needs_every_run_that_was_asked_for(outcome: str) -> None:
    held = tables({"old": np.full(12, 1e-8)})
    held.runs.loc[3, ["outcome", "score"]] = [outcome, np.nan]
    found = decide(Claim("B2", "s", "", Identity("score", Arm("all", {}), 1e-6)), held)
    assert (found.verdict, found.n) == ("inconclusive", 11)


def test_an_identity_needs_every_cell_of_the_sweep_file() -> None:
    held = replace(tables({"old": np.full(12, 1e-8)}), facts={"unasked": "[71, 72]"})
    found = decide(Claim("B2", "s", "", Identity("score", Arm("all", {}), 1e-6)), held)
    assert found.verdict == "inconclusive"
    assert "71 of its 72 were not asked for" in found.sentence


def test_a_claim_that_holds_in_one_setting_only_is_conditional() -> None:
    other = replace(RULE, treatment=Arm("tuned", {"arm": "tuned"}))
    claim = Claim("C4", "s", "", RULE, tuned=other, condition="only with plain gradient descent")
    scores = {"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE, "tuned": NOISE}
    found = decide(claim, tables(scores))
    assert found.verdict == "conditional"
    assert "only with plain gradient descent" in found.sentence
    scores["tuned"] = np.full(12, 0.05) + NOISE  # undecided: nothing shows that the settings differ
    assert decide(claim, tables(scores)).verdict == "reproduced"
    scores["tuned"] = np.full(12, -0.05) + NOISE  # open only whether the opposite is there: the claim fails either way
    found = decide(claim, tables(scores))
    assert (found.verdict, found.tuned and found.tuned.verdict) == ("conditional", "inconclusive")
    assert "ruled out in the other" in found.sentence


def test_a_setting_in_which_nothing_may_be_decided_makes_no_claim_conditional() -> None:
    other = replace(RULE, treatment=Arm("tuned", {"arm": "tuned"}), premises=(Premise("quiet"),))
    claim = Claim("C4", "s", "", RULE, tuned=other, condition="only with plain gradient descent")
    found = decide(claim, tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE, "tuned": NOISE}))
    assert (found.verdict, found.tuned and found.tuned.verdict) == ("reproduced", "inconclusive")


def test_a_claim_that_fails_in_both_settings_is_not_conditional() -> None:
    other = replace(RULE, treatment=Arm("tuned", {"arm": "tuned"}))
    claim = Claim("C4", "s", "", RULE, tuned=other, condition="only with plain gradient descent")
    scores = {"old": np.zeros(12), "new": NOISE, "tuned": np.full(12, -0.5) + NOISE}
    found = decide(claim, tables(scores))
    assert (found.verdict, found.tuned and found.tuned.verdict) == ("not reproduced", "contradicted")


def test_where_the_whole_interval_is_short_of_the_margin_the_effect_is_ruled_out() -> None:
    short, open_, there = verdict(-0.05), verdict(0.05), verdict(0.2)
    assert (short.verdict, short.ruled_out) == ("inconclusive", True)
    assert "which rules out the predicted" in short.sentence
    assert (open_.verdict, open_.ruled_out) == ("inconclusive", False)
    alone, one_of_many = (verdict(-0.05, replace(RULE, family=size), 4 * NOISE) for size in (1, 10**6))
    assert (alone.ruled_out, one_of_many.ruled_out) == (True, False)
    assert not there.ruled_out
    assert not verdict(0.0).ruled_out  # not reproduced says more
    assert verdict(0.05, replace(RULE, direction="lower")).ruled_out


def test_a_claim_is_ruled_out_by_any_of_its_rules() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    other = np.where(held.runs["arm"] == "new", -0.05, 0.0) + np.tile(NOISE, 2) * (held.runs["arm"] == "new")
    claim = Claim("D7", "s", "", RULE, also=(replace(RULE, metric="other"),))
    found = decide(claim, replace(held, runs=held.runs.assign(other=other)))
    assert (found.verdict, found.by_itself, found.ruled_out) == ("inconclusive", "reproduced", True)
    assert found.sentence.startswith("Ruled out by a further rule of the claim")


def test_a_claim_of_two_rules_holds_if_both_do() -> None:
    second = replace(RULE, metric="other")
    claim = Claim("D7", "s", "", RULE, also=(second,))
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    for effect, expected in ((0.4, "reproduced"), (0.0, "not reproduced"), (-0.4, "contradicted")):
        other = np.where(held.runs["arm"] == "new", effect, 0.0) + np.tile(NOISE, 2) * (held.runs["arm"] == "new")
        found = decide(claim, replace(held, runs=held.runs.assign(other=other)))
        assert (found.verdict, found.also[0].verdict) == (expected, expected)
    assert decide(claim, held).verdict == "inconclusive"  # its second metric is missing


def test_a_measure_may_fill_several_metrics() -> None:
    held = tables({"old": np.zeros(12), "new": np.zeros(12)})

    def measure(sweep: Any) -> pd.DataFrame:
        new = (sweep.runs["arm"] == "new").to_numpy()
        return pd.DataFrame({"slope": new * 0.3, "size": new * 2.0}, index=sweep.runs["cell"])

    rules = replace(RULE, metric="slope"), replace(RULE, metric="size")
    found = decide(Claim("C5", "s", "", rules[0], also=rules[1:], measure=measure), held)
    assert (found.effect, found.also[0].effect) == (pytest.approx(0.3), pytest.approx(2.0))


def test_a_sweep_run_with_other_settings_than_its_file_decides_nothing() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    claim = Claim("X1", "s", "", RULE)
    other = replace(held, facts={"departures": '{"training.epochs": [[2], [20]]}'})
    assert decide(claim, held).verdict == "reproduced"
    found = decide(claim, other)
    assert found.verdict == "inconclusive"
    assert "training.epochs is 2 here and 20 in the sweep file" in found.sentence
    against = replace(tables({"old": np.full(12, 0.5), "new": NOISE}), facts=other.facts)
    assert not decide(claim, against).ruled_out


def test_another_dataset_is_no_departure_but_is_named() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    facts = {"departures": '{"data.name": [["mnist"], ["digits"]], "data.train_size": [[500], [null]]}'}
    found = decide(Claim("X1", "s", "", RULE), replace(held, facts=facts))
    assert found.verdict == "reproduced"
    assert "(digits, train size 500)" in found.sentence


def test_label_noise_is_a_treatment_not_a_dataset() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    facts = {"departures": '{"data.label_noise": [[0.3], [0.0]]}'}
    assert decide(Claim("X1", "s", "", RULE), replace(held, facts=facts)).verdict == "inconclusive"


def test_what_is_open_says_how_many_new_seeds_would_settle_it() -> None:
    found = verdict(0.06, noise=4 * NOISE)
    assert found.verdict == "inconclusive"
    assert found.new_seeds is not None
    assert f"about {found.new_seeds:,}\u00a0new seeds would settle it" in found.sentence
    differences = np.array([value for _, value in found.differences])
    assert found.new_seeds == planned_seeds(differences, RULE.margin, attempts=2)  # they would be a second attempt
    assert found.new_seeds > (planned_seeds(differences, RULE.margin, attempts=1) or 0)
    assert verdict(0.2).new_seeds is None
    few = tables({"old": np.zeros(5), "new": np.full(5, 0.2) + NOISE[:5]})
    assert decide(Claim("X1", "s", "", RULE), few).new_seeds == 12


def test_a_page_tells_a_changed_rule_from_one_that_was_never_stored() -> None:
    claim = Claim("X1", "s", "", RULE)
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    changed = Claim("X1", "s", "", replace(RULE, margin=0.01))
    stored = replace(held, facts={"rules": canonical_rules([claim])})
    assert "has changed since" in rule_warning(decide(changed, stored))
    assert "no such rule" in rule_warning(decide(changed, held))
    assert rule_warning(decide(claim, stored)) == ""


def test_the_family_is_part_of_the_verdict() -> None:
    assert verdict(0.2).p_holm == 2.0**-11
    assert verdict(0.2, replace(RULE, family=22)).p_holm == pytest.approx(22 * 2.0**-11)
    assert verdict(0.2, replace(RULE, family=200)).verdict == "inconclusive"


def test_the_absence_of_an_effect_is_held_against_the_family_too() -> None:
    alone, one_of_many = (verdict(0.01, replace(RULE, margin=0.02, family=size)) for size in (1, 200))
    assert (alone.verdict, one_of_many.verdict) == ("not reproduced", "inconclusive")
    assert one_of_many.p_within == pytest.approx(200 * alone.p_within)
    assert "though not with the certainty asked for (Holm's p of that" in one_of_many.sentence


SKEWED = np.array([0.0] * 10 + [0.018, 0.035])
STRAYED = np.append(NOISE[:11] / 10, 0.07)


@pytest.mark.parametrize(("noise", "why"), [(SKEWED, "the differences are skewed (2"), (STRAYED, "1 of the 12 pairs")])
def test_what_cannot_be_believed_shows_no_absence(noise: np.ndarray, why: str) -> None:
    found = verdict(0.0, noise=noise)
    assert found.interval.within(0.05)
    assert (found.verdict, found.fails) == ("inconclusive", False)
    assert f"which shows nothing, for {why}" in found.sentence
    tolerated = verdict(0.0, Equivalence("score", A, B, 0.05, SEEDS), noise)
    assert (tolerated.verdict, tolerated.doubt[:5]) == ("inconclusive", why[:5])


def test_a_presence_must_hold_of_the_pairs_that_trained_too() -> None:
    """Five of twelve runs of the old arm collapsed; the others are as good as those of the new one."""
    rule = replace(RULE, collapse=Collapse("score", 0.2))
    old, new = np.full(12, 0.8), np.full(12, 0.8) + NOISE
    old[:5] = 0.1
    found = decide(Claim("X1", "s", "", rule), tables({"old": old, "new": new}))
    assert found.verdict == "inconclusive"
    assert "5 of 12 seeds of old (Fisher's p of equal shares 0.037)" in found.sentence
    old[:] = 0.1  # where nearly all collapse the shares decide
    found = decide(Claim("X1", "s", "", rule), tables({"old": old, "new": new}))
    assert (found.verdict, found.failures[1].lost) == ("reproduced", 12)
    new[:] = 0.1 + NOISE
    assert decide(Claim("X1", "s", "", rule), tables({"old": old, "new": new})).verdict == "inconclusive"


def test_where_runs_were_lost_the_interval_of_those_that_trained_decides_beside_the_test() -> None:
    """Every pair lies beyond the margin, but those that trained do so by too little."""
    gains = np.array([0.7] * 5 + [0.051, 0.052, 0.054, 0.057, 0.065, 0.08, 0.11])
    old = np.array([0.1] * 5 + [0.6] * 7)
    held = tables({"old": old, "new": old + gains})
    found = decide(Claim("X1", "s", "", replace(RULE, collapse=Collapse("score", 0.2))), held)
    assert (found.verdict, found.failures[1].lost) == ("inconclusive", 5)
    assert found.p_holm == 2.0**-11


def test_a_presence_must_hold_of_all_pairs_not_only_of_those_that_lie_together() -> None:
    """One pair stands apart, so far that the mean of all is anywhere."""
    gains = 0.1 + NOISE
    assert verdict(0.0, noise=gains).verdict == "reproduced"
    gains[3] = 5
    found = verdict(0.0, noise=gains)
    assert (found.verdict, found.p_holm) == ("inconclusive", 2.0**-11)


def test_a_run_that_diverged_counts_among_the_shares_as_one_that_collapsed() -> None:
    found = decide(Claim("X1", "s", "", RULE), _diverging(5))
    assert "5 of 12 seeds of new (Fisher's p of equal shares 0.037)" in found.sentence


def test_shares_of_lost_runs_are_held_against_the_family_too() -> None:
    """All runs of the old arm collapsed and seven of the new one: Fisher's p is 0.037."""
    rule = replace(RULE, collapse=Collapse("score", 0.2))
    held = tables({"old": np.full(12, 0.1), "new": np.repeat([0.19, 0.8], [7, 5])})
    alone, of_two = (decide(Claim("X1", "s", "", replace(rule, family=size)), held) for size in (1, 2))
    assert (alone.verdict, of_two.verdict) == ("reproduced", "inconclusive")
    assert of_two.p_holm < 0.05


def test_a_rule_of_tolerance_says_how_many_new_seeds_would_settle_it() -> None:
    found = verdict(0.02, Equivalence("score", A, B, 0.05, SEEDS), 5 * NOISE)
    assert (found.verdict, found.new_seeds is not None) == ("inconclusive", True)
    assert "new seeds would settle it" in found.sentence


def test_claims_of_one_page_share_holm() -> None:
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    pair = decide_all([Claim("X1", "s", "", RULE), Claim("X2", "s", "", RULE)], held)
    assert [one.p_holm for one in pair] == [2.0**-10] * 2


def test_a_rule_that_is_withheld_makes_no_other_one_easier() -> None:
    """Holm's correction of a small p makes room for the next one; that of a rule without a verdict does not."""
    large, small = replace(RULE, seeds=tuple(range(24)), family=103), replace(RULE, family=103)
    held = tables({"old": np.zeros(24), "new": 0.5 + np.tile(NOISE, 2)})

    def p_of_the_small(first: Paired) -> float:
        return decide_all([Claim("X1", "s", "", first), Claim("X2", "s", "", small)], held)[1].p_holm

    assert p_of_the_small(large) == 102 * 2.0**-11
    assert p_of_the_small(replace(large, premises=(Premise("quiet"),))) == 103 * 2.0**-11


def test_a_verdict_knows_whether_its_rule_came_first() -> None:
    claim = Claim("X1", "s", "", RULE)
    held = tables({"old": np.zeros(12), "new": np.full(12, 0.5) + NOISE})
    assert not decide(claim, held).fixed
    assert decide(claim, replace(held, facts={"rules": canonical_rules([claim])})).fixed
