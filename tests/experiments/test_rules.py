"""Every experiment of ours: its rules are data, speak of cells its own sweep file holds, and keep to the one family."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from tests.experiments.composed import CLAIMS, FILES, cells_of, seeds_of
from workbench.config import SETTINGS
from workbench.report.experiments import experiment_in
from workbench.report.verdicts.arms import arms_of, open_keys, select
from workbench.report.verdicts.claim_rules import (
    Arm,
    Claim,
    Identity,
    Paired,
    Rule,
    as_data,
    canonical,
    digest,
    rules_of,
)
from workbench.report.verdicts.notes import (
    FAMILY,
    IDS,
    IMAGES_FAMILY,
    IMAGES_PAIRED_TESTS,
    NOTES_SECTIONS,
    PAIRED_TESTS,
    place,
    section,
)

# Sweeps of many cells: to compose one takes half a second and more. The smaller ones hold every kind of rule.
LARGE = {
    "adaptive_rates", "backpropagation_identities", "deep_convolutions", "dropout", "dropout_tumours",
    "fewer_parameters", "hinton2012_mnist", "lecun1998_mnist", "made_for_images", "optimizer_algorithms", "shrinkage",
    "smoothness", "sparsity", "srivastava2014_mnist",
}  # fmt: skip
EVERY = [
    pytest.param(stem, claim, id=f"{stem}-{claim.id}", marks=[pytest.mark.thorough] if stem in LARGE else [])
    for stem, claim in CLAIMS
]
PUBLISHED = ("srivastava2014", "lecun1998", "simard2003", "hinton2012")  # tables of papers
ALONE = [pytest.param(claim, id=claim.id) for _, claim in CLAIMS]


@pytest.fixture
def cells(stem: str, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The cells of a sweep, composed once for all its claims."""
    return cells_of(stem, tmp_path_factory)


def faults(claim: Claim, rule: Rule, cells: pd.DataFrame, seeds: Sequence[int]) -> list[str]:
    """What a rule asks for that the sweep does not hold."""
    if isinstance(rule, Identity):
        return _arm_faults(claim, rule.arm, cells)
    found = [fault for arm in arms_of(rule)[0] for fault in _arm_faults(claim, arm, cells)]
    if missing := set(rule.seeds) - set(seeds):
        found.append(f"seeds {sorted(missing)}")
    if rule.tuning:
        found += [f"tuning seed {seed}" for seed in rule.tuning.seeds if seed not in seeds]
        for arm in arms_of(rule)[0]:
            found += [key for key in rule.tuning.factors if select(cells, arm)[key].nunique() < 2]
    return found


def _arm_faults(claim: Claim, arm: Arm, cells: pd.DataFrame) -> list[str]:
    if arm.constant is not None:
        return []
    known = {key: value for key, value in arm.where.items() if key in cells}
    strange = [key for key in arm.where if key not in cells and (key in SETTINGS or claim.measure is None)]
    return strange + ([] if len(select(cells, replace(arm, where=known))) else [f"no cell of {arm.label}: {known}"])


@pytest.mark.parametrize(("stem", "claim"), EVERY)
def test_a_rule_speaks_of_cells_and_seeds_that_its_sweep_file_holds(
    stem: str, claim: Claim, cells: pd.DataFrame
) -> None:
    for rule in rules_of(claim):
        assert faults(claim, rule, cells, seeds_of(stem)) == []


@pytest.mark.parametrize(("stem", "claim"), EVERY)
def test_an_arm_leaves_open_only_what_it_says_it_averages_over(stem: str, claim: Claim, cells: pd.DataFrame) -> None:
    varied = [key for key in cells if cells[key].nunique(dropna=False) > 1]
    follows_arm = "arm" in cells and cells.groupby("arm", dropna=False)[varied].nunique(dropna=False).eq(1).all()
    factors = [key for key in varied if key == "arm" or follows_arm is False or not follows_arm[key]]
    for rule in rules_of(claim):
        if not isinstance(rule, Identity):
            tuned = rule.tuning.factors if rule.tuning else ()
            for arm in arms_of(rule)[0]:
                if arm.constant is None and set(arm.where) <= set(cells):
                    keys = [key for key in factors if key not in tuned]
                    assert open_keys(select(cells, arm), arm, keys) == (), f"{stem}: {arm.label}"


@pytest.mark.parametrize("claim", ALONE)
def test_a_rule_is_data_with_a_digest(claim: Claim) -> None:
    for rule in rules_of(claim):
        assert json.loads(canonical(rule)) == as_data(rule)
        assert digest(rule) == digest(replace(rule))
        assert len(digest(rule)) == 16


@pytest.mark.parametrize("claim", ALONE)
def test_a_claim_of_the_notes_keeps_to_their_family(claim: Claim) -> None:
    name = claim.id.partition("-")[0]  # "A3-gpu" decides a part of A3 by itself
    assert name in (*IDS, *IMAGES_PAIRED_TESTS, *PUBLISHED)
    for tests, family in ((PAIRED_TESTS, FAMILY), (IMAGES_PAIRED_TESTS, IMAGES_FAMILY)):
        if name in tests:
            paired = [rule for rule in rules_of(claim) if isinstance(rule, Paired)]
            assert all(rule.family == family for rule in paired)
            assert len(paired) <= tests[name]


def test_every_claim_has_one_file_on_each_dataset() -> None:
    asked = Counter(
        (claim.id, data) for stem, claim in CLAIMS for data in experiment_in(FILES[stem]).datasets or (stem,)
    )
    assert not [pair for pair, count in asked.items() if count > 1]


def test_a_claim_of_several_files_says_the_same_in_each() -> None:
    said: dict[str, set[str]] = {}
    for _, claim in CLAIMS:
        said.setdefault(claim.id, set()).add(claim.statement)
    assert not [name for name, statements in said.items() if len(statements) > 1]


def test_the_family_reaches_significance_with_the_fewest_seeds() -> None:
    assert set(PAIRED_TESTS) <= set(IDS)
    assert FAMILY * 2.0**-11 < 0.05


def test_claims_are_ordered_as_in_the_notes() -> None:
    ids = ["D10", "D9c-units", "B2", "mine", "C4c", "A10", "A6", "A2"]
    assert sorted(ids, key=place) == ["A2", "A10", "B2", "D10", "A6", "C4c", "D9c-units", "mine"]
    assert section("C4") == NOTES_SECTIONS["C"]
    assert section("C99") == section("mine") == ""


STEM = "vanishing_gradients"
WRONG: dict[str, dict[str, Any]] = {
    "no cell": {"treatment": Arm("deeper", {"network.depth": 11})},
    "network.width_typed_wrong": {"treatment": Arm("typo", {"network.width_typed_wrong": 32})},
    "seeds": {"seeds": tuple(range(50, 62))},
}


@pytest.mark.parametrize("stem", [STEM])
@pytest.mark.parametrize("words", WRONG)
def test_a_rule_about_what_the_sweep_does_not_hold_is_found_out(words: str, stem: str, cells: pd.DataFrame) -> None:
    claim = next(claim for name, claim in CLAIMS if name == stem and claim.measure is None)
    wrong = replace(claim.rule, **WRONG[words])
    assert any(words in fault for fault in faults(claim, wrong, cells, seeds_of(stem)))
