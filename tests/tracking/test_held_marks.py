"""Marks of held runs: a sweep that does not hold a run is passed over, and one that may is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from mlflow.entities import Run

from tests.tracking.cases import cell, result, sweep, trained
from workbench.tracking import holdings
from workbench.tracking.connection import Connection, connect
from workbench.tracking.held_marks import has_marks, mark, marks_of, may_hold, without_marks
from workbench.tracking.write import MlflowStore


def test_marks_know_every_run_and_hardly_any_other() -> None:
    held = [f"run {number}" for number in range(5000)]
    tags = marks_of(held)
    assert len(tags) == 4
    assert max(map(len, tags.values())) <= 8000
    assert all(may_hold(tags, {mark(one)}) for one in held[::99])
    assert sum(may_hold(tags, {mark(f"other {number}")}) for number in range(200)) <= 1
    assert has_marks(marks_of([]))
    assert not may_hold(marks_of([]), {mark(held[0])})


@pytest.mark.parametrize(
    "tags",
    [{}, {"workbench.holds.0": ""}, {"workbench.holds.0": "v1:no base64!"}, {"workbench.asks.0": "v1:no base64!"}],
)
def test_without_readable_marks_a_plan_is_read(tags: dict[str, str]) -> None:
    assert may_hold(tags, {mark("run")})


def test_marks_are_taken_back_while_a_sweep_goes_on(uri: str) -> None:
    store = MlflowStore(uri)
    store.begin(sweep([cell(0)]))
    store.record(result([trained(cell(0))]))
    store.end("finished")
    client = connect(uri).client
    ended = client.get_run(store.run_id).data.tags
    assert has_marks(ended)
    assert set(without_marks(ended)) == {"workbench.holds.0", "workbench.asks.0"}
    assert not ended["workbench.asks.0"]
    again = MlflowStore(uri)
    again.begin(sweep([cell(0)]))
    assert again.run_id == store.run_id
    begun = client.get_run(store.run_id).data.tags
    assert not has_marks(begun)
    assert begun["workbench.asks.0"]


def test_the_first_part_of_many_marks_is_written_last_and_taken_back_first() -> None:
    tags = marks_of([f"run {number}" for number in range(5000)])
    assert list(tags)[-1] == "workbench.holds.0"
    assert next(iter(without_marks(tags))) == "workbench.holds.0"
    assert set(without_marks(tags)) == set(tags)


def test_a_sweep_that_goes_on_is_known_by_what_it_trains_itself(uri: str) -> None:
    first = MlflowStore(uri)
    first.begin(sweep([cell(0), cell(1)]))
    first.record(result([trained(cell(0))]))
    first.end("interrupted")
    again = MlflowStore(uri)
    origin = again.held(["fp0"])["fp0"].run_id
    again.begin(sweep([cell(0, origin=origin), cell(1)]))  # its own run, which is done
    other = MlflowStore(uri)
    other.begin(sweep([cell(0, origin=origin), cell(2)], name="other", digest="d2"))  # reused from the first
    begun = {name: connect(uri).client.get_run(store.run_id).data.tags for name, store in
             {"again": again, "other": other}.items()}  # fmt: skip
    assert [may_hold(begun["again"], {mark(run)}) for run in ("fp0", "fp1", "fp2")] == [True, True, False]
    assert [may_hold(begun["other"], {mark(run)}) for run in ("fp0", "fp1", "fp2")] == [False, False, True]
    assert set(MlflowStore(uri).held(["fp0", "fp1", "fp2"])) == {"fp0"}


@pytest.mark.parametrize("ended", [True, False], ids=["of sweeps that ended", "of sweeps that run, or were killed"])
def test_only_the_plans_of_sweeps_that_may_hold_a_run_are_read(
    uri: str, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    for number in range(4):
        store = MlflowStore(uri)
        store.begin(sweep([cell(0, f"own {number}")], name=f"sweep {number}"))
        store.record(result([trained(cell(0, f"own {number}"))]))
        if ended:
            store.end("finished")
    looked_at = []
    standing = holdings.standing

    def noted(connection: Connection, parent: Run, columns: Sequence[str] | None = None) -> object:
        looked_at.append(parent.info.run_name)
        return standing(connection, parent, columns)

    monkeypatch.setattr(holdings, "standing", noted)
    assert set(MlflowStore(uri).held(["own 2", "another"])) == {"own 2"}
    assert looked_at == ["sweep 2"]
