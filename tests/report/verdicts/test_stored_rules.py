"""The question a sweep stores: rules, cells of the sweep file, source of the measure, version of the deciding code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from workbench.report.verdicts import stored_rules
from workbench.report.verdicts.claim_rules import Arm, Claim, Paired, digests
from workbench.report.verdicts.measure_source import source_of
from workbench.report.verdicts.stored_rules import canonical_rules, fixed_beforehand, stored_entry

THRESHOLD = 0.05
RULE = Paired("score", Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"}), 0.05, "higher", tuple(range(12)))


def helper(tables: Any) -> pd.Series:
    return tables.runs["loss"] > THRESHOLD


def measure(tables: Any) -> pd.Series:
    return helper(tables)


CLAIM = Claim("X1", "s", "", RULE, measure=measure)


def question(claim: Claim, cells: str = "c1") -> str:
    return str(json.loads(canonical_rules([claim], cells))[claim.id]["question"])


def other(tables: Any) -> pd.Series:
    return -helper(tables)


CHANGED: dict[str, Callable[[], str]] = {
    "rule": lambda: question(replace(CLAIM, rule=replace(RULE, margin=0.01))),
    "cells": lambda: question(CLAIM, "c2"),
    "measure": lambda: question(replace(CLAIM, measure=other)),
}


@pytest.mark.parametrize("part", CHANGED)
def test_every_part_of_a_question_is_in_its_digest(part: str) -> None:
    assert CHANGED[part]() != question(CLAIM) == question(replace(CLAIM, statement="Said otherwise."))


def test_the_version_of_the_deciding_code_is_a_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stored, before = canonical_rules([CLAIM]), question(CLAIM)
    monkeypatch.setattr(stored_rules, "DECIDING_VERSION", stored_rules.DECIDING_VERSION + 1)
    assert question(CLAIM) != before
    assert not fixed_beforehand(CLAIM, stored)


def test_the_source_of_a_measure_holds_what_it_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    text = source_of(measure)
    assert 'tables.runs["loss"] > THRESHOLD' in text
    assert "THRESHOLD = 0.05" in text
    monkeypatch.setitem(globals(), "THRESHOLD", 0.1)
    assert source_of(measure) != text
    assert source_of(None) == ""


def test_a_closure_over_what_is_not_assigned_has_a_source_too() -> None:
    def closed(tables: object) -> object:
        return later(tables)

    assert "return later(tables)" in source_of(closed)
    later = measure
    assert "THRESHOLD = 0.05" in source_of(closed)


def test_a_set_has_one_text_whatever_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for numbers in ((8, 0, 16), (16, 8, 0)):  # they share a place in the table of a set, so the first stays first
        monkeypatch.setitem(globals(), "THRESHOLD", set(numbers))
        texts.append(source_of(measure))
    assert texts[0] == texts[1]


def test_a_claim_measured_otherwise_was_not_fixed_beforehand() -> None:
    stored = canonical_rules([CLAIM], "c1")
    assert fixed_beforehand(CLAIM, stored)
    assert not fixed_beforehand(replace(CLAIM, measure=other), stored)


def test_rules_stored_before_questions_were_are_compared_by_their_digests() -> None:
    older = json.dumps({"X1": {"digests": digests(CLAIM), "rules": []}})
    assert fixed_beforehand(CLAIM, older)
    assert stored_entry("X1", older)["digests"] == digests(CLAIM)
    assert not fixed_beforehand(replace(CLAIM, rule=replace(RULE, margin=0.01)), older)
