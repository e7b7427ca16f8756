"""Attempts on one claim are counted by their questions, listed with their outcomes, and charged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import Tables
from workbench.report.verdicts.attempts import attempts_on, in_words
from workbench.report.verdicts.claim_rules import Arm, Claim, Equivalence, Paired
from workbench.report.verdicts.decision import decide

SEEDS = tuple(range(12))
NEW, OLD = Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"})
CLAIM = Claim("X1", "s", "", Paired("score", NEW, OLD, 0.05, "higher", SEEDS))


def attempt(question: str, verdict: str = "", **facts: str) -> dict[str, Any]:
    claims = {"X1": {"question": question, "verdict": verdict}}
    return {"started": "2026-03-01", "departures": "", "data_digest": "digits 1", "claims": claims} | facts


def tables(*listed: dict[str, Any], gain: float = 0.4, noise: float = 0.01, kind: str = "training") -> Tables:
    chance = np.random.default_rng(0).normal(0, noise, len(SEEDS))
    frames = [
        pd.DataFrame({"arm": arm, "seed": SEEDS, "score": score, "outcome": "finished"})
        for arm, score in (("new", gain + chance), ("old", np.zeros(len(SEEDS))))
    ]
    runs = pd.concat(frames, ignore_index=True).assign(**{"data.name": "digits", "measure": kind})
    facts = {"attempts": json.dumps(listed)} if listed else {}
    return Tables("x", facts, ("arm", "seed"), runs.assign(cell=range(len(runs))), pd.DataFrame())


def test_each_question_is_an_attempt_and_the_same_one_again_is_not() -> None:
    held = tables(
        attempt("a", "inconclusive"), attempt("b", "inconclusive"), attempt("a", "inconclusive"), attempt("c")
    )
    assert [one.question for one in attempts_on(CLAIM, held)] == ["b", "a", "c"]
    assert attempts_on(CLAIM, tables()) == ()


def test_timings_are_taken_anew_so_every_time_counts() -> None:
    listed = attempt("a", "inconclusive"), attempt("a", "inconclusive"), attempt("a")
    assert len(attempts_on(CLAIM, tables(*listed, kind="matrix_timing"))) == 3
    assert len(attempts_on(CLAIM, tables(*listed))) == 1


def test_other_data_and_withheld_sweeps_are_no_attempts_of_this_one() -> None:
    other = attempt("b", data_digest="mnist 2")
    smaller = attempt("c", departures='{"data.train_size": [[500], [null]]}')
    departed = attempt("d", departures='{"training.epochs": [[8], [40]]}')
    assert [one.question for one in attempts_on(CLAIM, tables(other, smaller, departed, attempt("a")))] == ["a"]


def test_attempts_are_charged_and_listed_with_their_outcomes() -> None:
    few = [attempt(f"q{number}", "inconclusive") for number in range(40)]
    once, twice, often = (decide(CLAIM, tables(*few[:count], attempt("z"))) for count in (0, 1, 120))
    assert (once.verdict, once.attempts, once.notes) == ("reproduced", 1, ())
    assert (twice.verdict, twice.attempts) == ("reproduced", 2)
    assert twice.notes[0].startswith("Attempt 2 on this claim in this store: alpha is 0.05 divided by 2, 0.025")
    assert twice.notes[1] == "Attempt 1, started 2026-03-01, question q0: inconclusive"
    assert often.attempts == 41
    many = [attempt(f"q{number}", "inconclusive") for number in range(120)]
    assert decide(CLAIM, tables(*many, attempt("z"))).verdict == "inconclusive"  # 2^-11 is over 0.05 / 121
    assert once.interval == twice.interval  # of 95 %, whatever decides


@pytest.mark.parametrize("claim", [replace(CLAIM), replace(CLAIM, rule=Equivalence("score", NEW, OLD, 0.05, SEEDS))])
def test_absence_and_agreement_are_charged_by_a_wider_interval(claim: Claim) -> None:
    """The whole 95 % interval lies within the margin, that of the tenth attempt does not."""
    nine = [attempt(f"q{number}", "inconclusive") for number in range(9)]
    close = {"gain": 0.01, "noise": 0.05}
    firm = decide(claim, tables(**close)).verdict
    assert firm in ("not reproduced", "reproduced")
    assert decide(claim, tables(*nine, attempt("z"), **close)).verdict == "inconclusive"


def test_a_single_attempt_has_no_note() -> None:
    assert in_words(attempts_on(CLAIM, tables(attempt("a")))) == ()
