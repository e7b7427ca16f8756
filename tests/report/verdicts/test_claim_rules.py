"""A rule is data: one text, one digest, and a clear refusal of what cannot be a rule."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from workbench.engine.errors import BadInput
from workbench.report.verdicts.claim_rules import (
    Arm,
    Claim,
    Equivalence,
    Identity,
    Paired,
    Tuning,
    as_data,
    canonical,
    digest,
)
from workbench.report.verdicts.stored_rules import canonical_rules, fixed_beforehand

SEEDS = tuple(range(12))
RELU, SIGMOID = Arm("relu", {"network.activation": "relu"}), Arm("sigmoid", {"network.activation": "sigmoid"})
RULE = Paired("best_test_accuracy", RELU, SIGMOID, 0.05, "higher", SEEDS)
CLAIM = Claim("C8", "Another activation cures it.", "Training", RULE)


def test_canonical_form_is_json_that_says_everything() -> None:
    data = json.loads(canonical(RULE))
    assert data == as_data(RULE)
    assert data["kind"] == "paired"
    assert data["seeds"] == list(SEEDS)
    assert data["treatment"]["where"] == {"network.activation": "relu"}


def test_equal_rules_have_one_digest_however_they_are_typed() -> None:
    other = replace(RULE, treatment=Arm("relu", {"a": 1, "b": 0.5}), margin=0.0)
    same = replace(RULE, treatment=Arm("relu", {"b": 0.5, "a": np.float64(1.0)}), margin=0)
    assert digest(other) == digest(same)
    assert len(digest(RULE)) == 16


CHANGES = {
    "margin": 0.04,
    "metric": "last_train_accuracy",
    "direction": "lower",
    "seeds": tuple(range(13)),
    "interval": "expanded_bootstrap",
    "family": 22,
    "baseline": RELU,
    "against": (RELU, SIGMOID),
    "tuning": Tuning(("optimizer.learning_rate",), (100, 101)),
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_part_of_a_rule_is_in_its_digest(field: str) -> None:
    assert digest(replace(RULE, **{field: CHANGES[field]})) != digest(RULE)


def test_the_kind_is_in_the_digest() -> None:
    equivalence = Equivalence("best_test_accuracy", RELU, SIGMOID, 0.05, SEEDS)
    assert as_data(equivalence)["kind"] == "equivalence"
    assert digest(equivalence) != digest(Identity("best_test_accuracy", RELU, 0.05))


WRONG = {
    "11 seeds": {"seeds": tuple(range(11))},
    "margin": {"margin": -0.1},
    "direction": {"direction": "up"},
    "interval": {"interval": "percentile"},
    "tunes on seeds": {"tuning": Tuning(("network.width",), (3,))},
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_a_rule_is_refused_in_one_line(words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        replace(RULE, **WRONG[words])
    assert "\n" not in str(caught.value)


def test_a_tuned_rule_needs_a_condition() -> None:
    with pytest.raises(BadInput, match="condition"):
        replace(CLAIM, tuned=RULE)


def test_a_page_can_tell_whether_the_rule_stood_before_the_sweep() -> None:
    stored = canonical_rules([CLAIM])
    assert fixed_beforehand(CLAIM, stored)
    assert fixed_beforehand(replace(CLAIM, statement="Said otherwise."), stored)
    assert not fixed_beforehand(replace(CLAIM, rule=replace(RULE, margin=0.01)), stored)
    assert not any(fixed_beforehand(CLAIM, text) for text in ("", "{}", "not json", "[]"))
    assert canonical_rules([]) == ""
