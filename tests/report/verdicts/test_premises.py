"""What must be true of the runs before a rule may decide, a case a row of the table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.synthetic import Tables
from workbench.engine.errors import BadInput
from workbench.report.verdicts.claim_rules import Arm, Claim, Identity, Paired, Premise, canonical, digest
from workbench.report.verdicts.decision import decide
from workbench.report.verdicts.premises import PREMISES
from workbench.report.verdicts.sentences import rule_in_words

SEEDS = tuple(range(12))
NEW, OLD = Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"})
RULE = Paired("score", NEW, OLD, 0.05, "higher", SEEDS)
# A net that fits its data, has converged and does not overfit.
SOUND = {
    "last_train_accuracy": 0.99, "best_train_accuracy": 0.99, "last_validation_loss": 0.5, "best_validation_loss": 0.5,
    "best_epoch": 20, "epochs": 40, "load_by_others": 0.02,
}  # fmt: skip


def tables(**old: Any) -> Tables:
    """An effect far beyond the margin; `old` are columns of the old arm that differ from those of a sound net."""
    frames = []
    for arm, score in (("new", 0.9), ("old", 0.5)):
        scores = score + np.random.default_rng(0).normal(0, 0.01, len(SEEDS)) * (arm == "new")
        columns = {"arm": arm, "seed": SEEDS, "score": scores, "outcome": "finished"} | SOUND
        frames.append(pd.DataFrame(columns | (old if arm == "old" else {})))
    runs = pd.concat(frames, ignore_index=True).assign(**{"data.name": "digits"})
    runs = runs.assign(cell=range(len(runs)), levels=runs.get("levels", True))
    return Tables("x", {}, ("arm", "seed"), runs, histories(runs))


def histories(runs: pd.DataFrame) -> pd.DataFrame:
    """Twenty epochs of each run: a validation loss that levels off half way, or falls by 2 % an epoch to the end."""
    epochs = np.arange(21)
    parts = [
        pd.DataFrame(
            {"cell": cell, "epoch": epochs, "validation_loss": 0.98 ** np.minimum(epochs, 10 if levels else 20)}
        )
        for cell, levels in zip(runs["cell"], runs["levels"], strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


HOLDS: dict[str, dict[str, Any]] = {
    "overfits": {"last_validation_loss": 0.8},
    "underfits": {"last_train_accuracy": 0.7},
    "converged": {},
    "levelled_off": {},
    "not_collapsed": {},
    "below_ceiling": {"last_train_accuracy": 0.9},
    "quiet": {},
}
FAILS: dict[str, tuple[dict[str, Any], str]] = {
    "overfits": ({}, "ends 0"),
    "underfits": (
        {"last_train_accuracy": 0.7, "last_validation_loss": 0.6},
        "it overfits: its validation loss ends 20",
    ),
    "converged": ({"best_epoch": 36}, "in the median, at 90"),
    "levelled_off": ({"levels": False}, "still fell by 3.96"),
    "not_collapsed": ({"last_train_accuracy": [0.1] + 11 * [0.9]}, "1 of 12 runs ended"),
    "below_ceiling": ({}, "its training accuracy is 99"),
    "quiet": ({"load_by_others": 0.5}, "others used 50"),
}


@pytest.mark.parametrize("kind", PREMISES)
def test_a_rule_decides_where_its_premise_holds(kind: str) -> None:
    claim = Claim("X1", "s", "", replace(RULE, premises=(Premise(kind, OLD),)))
    assert decide(claim, tables(**HOLDS[kind])).verdict == "reproduced"


@pytest.mark.parametrize("kind", PREMISES)
def test_where_a_premise_fails_the_verdict_is_withheld_with_the_reason(kind: str) -> None:
    columns, why = FAILS[kind]
    found = decide(Claim("X1", "s", "", replace(RULE, premises=(Premise(kind, OLD),))), tables(**columns))
    assert (found.verdict, found.fails, found.new_seeds) == ("inconclusive", False, None)
    assert found.sentence.startswith("Withheld, for the rule asks that 'old' ")
    assert why in found.sentence.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("kind", "columns", "holds"),
    [
        ("overfits", {"last_validation_loss": 0.53}, True),
        ("overfits", {"last_validation_loss": 0.52}, False),
        ("underfits", {"last_train_accuracy": 0.94}, True),
        ("underfits", {"last_train_accuracy": 0.96}, False),
        ("underfits", {"last_train_accuracy": 0.7, "last_validation_loss": 0.52}, True),
        ("converged", {"best_epoch": 35}, True),
        ("not_collapsed", {"last_train_accuracy": [0.21] + 11 * [0.9]}, True),
        ("not_collapsed", {"last_train_accuracy": [0.2] + 11 * [0.9]}, False),
        ("below_ceiling", {"last_train_accuracy": 0.94}, True),
        ("below_ceiling", {"last_train_accuracy": 0.96}, False),
        ("quiet", {"load_by_others": 0.14}, True),
        ("quiet", {"load_by_others": 0.16}, False),
    ],
)
def test_a_premise_holds_on_one_side_of_its_bound_alone(kind: str, columns: dict[str, Any], holds: bool) -> None:
    claim = Claim("X1", "s", "", replace(RULE, premises=(Premise(kind, OLD),)))
    assert (decide(claim, tables(**columns)).verdict == "reproduced") == holds


def test_a_premise_looks_at_the_deciding_seeds_alone() -> None:
    held = tables()
    further = held.runs[held.runs["seed"] == 0].assign(seed=99, last_train_accuracy=0.1, cell=[98, 99])
    with_another = replace(held, runs=pd.concat([held.runs, further], ignore_index=True))
    claim = Claim("X1", "s", "", replace(RULE, premises=(Premise("not_collapsed"),)))
    assert decide(claim, with_another).verdict == "reproduced"


def test_runs_that_diverged_break_the_premise_that_nothing_collapsed() -> None:
    held = tables()
    held.runs.loc[12, ["outcome", "score"]] = ["diverged", np.nan]
    found = decide(Claim("X1", "s", "", replace(RULE, premises=(Premise("not_collapsed"),))), held)
    assert "1 of 12 runs diverged" in found.sentence


def test_without_an_arm_every_arm_is_looked_at() -> None:
    rule = replace(RULE, treatment=OLD, baseline=NEW, direction="lower", premises=(Premise("converged"),))
    assert decide(Claim("X1", "s", "", rule), tables(best_epoch=38)).verdict == "inconclusive"
    assert decide(Claim("X1", "s", "", rule), tables()).verdict == "reproduced"


def test_an_identity_may_have_premises_that_look_at_all_of_its_runs() -> None:
    rule = Identity("score", OLD, 1.0, premises=(Premise("not_collapsed"),))
    assert decide(Claim("X1", "s", "", rule), tables()).verdict == "reproduced"
    found = decide(Claim("X1", "s", "", rule), tables(last_train_accuracy=[0.1] + 11 * [0.9]))
    assert found.verdict == "inconclusive"
    assert found.sentence.startswith("Withheld, for the rule asks that 'old' has no run that diverged")
    assert "Decided only if every arm has no run" in rule_in_words(rule)


def test_a_bound_of_its_own_and_a_column_that_is_not_there() -> None:
    strict = replace(RULE, premises=(Premise("converged", OLD, bound=0.6),))
    assert decide(Claim("X1", "s", "", strict), tables()).verdict == "inconclusive"
    held = tables()
    lacking = replace(held, runs=held.runs.drop(columns="best_epoch"))
    assert (
        "cannot be checked, for its runs hold no best_epoch" in decide(Claim("X1", "s", "", strict), lacking).sentence
    )


def test_a_premise_is_data_of_its_rule_and_said_in_words() -> None:
    rule = replace(RULE, premises=(Premise("converged"),))
    assert json.loads(canonical(rule))["premises"] == [{"kind": "converged", "arm": None, "bound": None}]
    assert digest(rule) != digest(RULE)
    assert "premises" not in json.loads(canonical(RULE))  # the digests of rules without any stay as they were
    assert "Decided only if every arm has converged" in rule_in_words(rule)
    with pytest.raises(BadInput, match="premise is 'learns'; allowed: overfits, "):
        Premise("learns")
