"""How far a sweep has come: what a page that renews itself looks at before it reads all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tracking.cases import cell, result, sweep, trained
from workbench.engine.errors import BadInput
from workbench.tracking.how_far import how_far
from workbench.tracking.read import load
from workbench.tracking.write import MlflowStore

CELLS = [cell(number, pack=f"pack{number}") for number in range(3)]


def test_it_counts_the_runs_that_have_ended_while_the_sweep_trains_and_after(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep(CELLS))
    before = how_far("seeds", uri)
    assert (before.ended, before.runs, before.running) == (0, 3, True)
    assert before.facts["description"] == "Do seeds matter?"
    store.record(result([trained(CELLS[1])], pack="pack1"))
    assert (how_far("seeds", uri).ended, how_far("seeds", uri).running) == (1, True)
    store.end("interrupted")
    held = how_far("seeds", uri)
    assert (held.packs_ended, held.packs, held.reused) == (1, 3, 0)
    assert held.outcomes == {"finished": 1, "pending": 2}
    after = how_far("seeds", uri)
    assert (after.ended, after.runs, after.running) == (1, 3, False)
    assert after.began > 0
    assert sum(load("seeds", uri).runs["outcome"] != "pending") == after.ended


def test_a_run_of_another_sweep_is_reused_and_in_no_pack_of_this_one(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep(CELLS[:1], name="before"))
    store.record(result([trained(CELLS[0])], pack="pack0"))
    store.end("finished")
    taken = replace(trained(CELLS[0]), origin=str(load("before", uri).runs["run_id"][0]))
    MlflowStore(uri).begin(sweep([taken, *CELLS[1:]]))
    found = how_far("seeds", uri)
    assert (found.ended, found.reused, found.packs_ended, found.packs) == (1, 1, 0, 2)
    assert found.outcomes == {"pending": 2}


def test_it_finds_an_earlier_sweep_of_that_name_as_a_page_does(uri: str) -> None:
    for digest, cells in (("d1", CELLS[:1]), ("d2", CELLS[1:])):
        store = MlflowStore(uri)
        store.begin(sweep(cells, digest=digest))
        store.end("finished")
    assert (how_far("seeds", uri).runs, how_far("seeds~1", uri).runs) == (2, 1)
    assert how_far("seeds~1", uri).name == "seeds"


def test_a_sweep_that_the_store_does_not_hold_is_said(uri: str) -> None:
    with pytest.raises(BadInput, match="holds none called 'seeds'"):
        how_far("seeds", uri)
