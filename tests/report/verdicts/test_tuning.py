"""Tuning by seed: a seed's own tuning seeds are the same, however many seeds decide."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.synthetic import Tables
from workbench.engine.errors import BadInput
from workbench.report.verdicts.claim_rules import Arm, Claim, Paired, Tuning
from workbench.report.verdicts.decision import decide
from workbench.report.verdicts.looks import look_at, seeds_to_train

NEW, OLD = Arm("new", {"arm": "new"}), Arm("old", {"arm": "old"})
RATES = (0.1, 0.4)


def rule(count: int, each: int, looks: tuple[int, ...] = ()) -> Paired:
    """`count` seeds decide, with `each` tuning seeds from 100 on for every one of them."""
    tuning = Tuning(("rate",), tuple(range(100, 100 + count * each)), by_seed=each)
    return Paired("score", NEW, OLD, 0.05, "higher", tuple(range(count)), tuning=tuning, looks=looks)


def runs_of(asked: Paired, held: int) -> pd.DataFrame:
    """A run of the new arm scores its rate, and every tuning seed prefers another rate; `held` deciding seeds ended."""
    assert asked.tuning is not None
    tunes = asked.tuning.of_first(held).seeds
    rows = [
        (arm, rate, seed, rate if arm == "new" else 0.0, abs(rate - RATES[seed % len(RATES)]),
         "finished" if seed < held or seed in tunes else "pending")
        for arm in ("new", "old") for rate in RATES for seed in (*asked.seeds, *asked.tuning.seeds)
    ]  # fmt: skip
    runs = pd.DataFrame(rows, columns=["arm", "rate", "seed", "score", "best_validation_loss", "outcome"])
    return runs.assign(cell=range(len(runs)))


@given(each=st.integers(1, 4), few=st.integers(12, 40), added=st.integers(0, 40))
def test_seeds_that_are_added_change_no_earlier_share(each: int, few: int, added: int) -> None:
    less, more = rule(few, each).tuning, rule(few + added, each).tuning
    assert less is not None
    assert more is not None
    assert [less.of(place) for place in range(few)] == [more.of(place) for place in range(few)]
    assert more.of_first(few) == less


@given(each=st.integers(1, 4), count=st.integers(12, 40))
def test_every_tuning_seed_tunes_for_one_seed(each: int, count: int) -> None:
    tuning = rule(count, each).tuning
    assert tuning is not None
    shares = [tuning.of(place).seeds for place in range(count)]
    assert sum(shares, ()) == tuning.seeds
    assert set(map(len, shares)) == {each}


def test_a_look_finds_the_very_differences_of_the_one_before() -> None:
    asked = rule(14, 1, looks=(12, 14))
    first, second = (decide(Claim("X1", "s", "", asked), _tables(asked, held)).differences for held in (12, 14))
    assert (len(first), len(second)) == (12, 14)
    assert second[:12] == first
    assert {value for _, value in second} == set(RATES)


def test_a_look_wants_the_tuning_seeds_of_its_own_seeds_alone() -> None:
    asked = rule(14, 2, looks=(12, 14))
    claim = Claim("X1", "s", "", asked)
    assert seeds_to_train([claim], None, ()) == (*range(12), *range(100, 124))
    runs = runs_of(asked, 12)
    assert look_at(asked, runs).place == 0
    assert seeds_to_train([claim], runs, ("X1",)) == (*range(14), *range(100, 128))


def _tables(asked: Paired, held: int) -> Tables:
    return Tables("x", {}, (), runs_of(asked, held), pd.DataFrame())


@pytest.mark.parametrize("by_seed", [True, -1, 1.5, "2"])
def test_a_share_is_a_number_of_seeds(by_seed: object) -> None:
    with pytest.raises(
        BadInput, match=r"by_seed of a tuning is .*; allowed: how many seeds tune for each deciding one"
    ):
        Tuning(("rate",), (100, 101), by_seed=by_seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("seeds", [tuple(range(100, 123)), tuple(range(100, 125)), ()])
def test_seeds_that_cannot_be_shared_out_are_refused(seeds: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match=f"tunes by seed on {len(seeds)} seeds; allowed: 24, 2 for each of its 12"):
        replace(rule(12, 2), tuning=Tuning(("rate",), seeds, by_seed=2))


def test_no_seed_tunes_for_two() -> None:
    with pytest.raises(BadInput, match="names a seed twice"):
        Tuning(("rate",), (100, 101, 100), by_seed=1)
