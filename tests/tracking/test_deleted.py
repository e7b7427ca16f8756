"""What goes with a sweep that is deleted for good, and what stays."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from tests.tracking.cases import cell, result, sweep, trained
from workbench.engine.errors import BadInput
from workbench.tracking.housekeeping import delete
from workbench.tracking.read import sweeps
from workbench.tracking.write import MlflowStore


def ended(uri: str, name: str, number: int, origin: str = "") -> MlflowStore:
    """A sweep of one cell, which is trained, or shown from its origin."""
    store = MlflowStore(uri)
    store.begin(sweep([cell(number, origin=origin)], name=name))
    if not origin:
        store.record(result([trained(cell(number))]))
    store.end("finished")
    return store


def test_a_name_is_no_pattern(uri: str) -> None:
    for number, name in enumerate(("a.b", "axb", "a.b.c")):
        ended(uri, name, number)
    assert delete("a.b", uri) == 1
    assert list(sweeps(uri)["name"]) == ["axb", "a.b.c"]


def test_the_batches_of_a_search_go_with_it_and_nothing_else_below_its_name(uri: str) -> None:
    for number, name in enumerate(("s", "s/trials-0-9", "s/trials-10-19", "s/trials", "s/mine", "s/trials-0-9/mine")):
        ended(uri, name, number)
    assert delete("s", uri) == 3
    assert list(sweeps(uri)["name"]) == ["s/trials", "s/mine", "s/trials-0-9/mine"]


def test_what_a_person_has_deleted_goes_as_well(uri: str) -> None:
    store = ended(uri, "mine", 0)
    client, run = MlflowClient(uri), store.held(["fp0"])["fp0"].run_id
    client.delete_run(run)
    client.delete_run(store.run_id)
    assert delete("mine", uri) == 1
    with pytest.raises(BadInput, match=r"holds none called 'mine'"):
        delete("mine", uri)


def test_a_sweep_stays_while_another_one_shows_a_run_of_it(uri: str) -> None:
    run = ended(uri, "first", 0).held(["fp0"])["fp0"].run_id
    ended(uri, "second", 0, origin=run)
    with pytest.raises(BadInput, match=r"1 runs of 'first' are shown in 'second' as well; delete that one first"):
        delete("first", uri)
    assert delete("second", uri) == 1
    assert delete("first", uri) == 1
    assert len(sweeps(uri)) == 0
