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


@pytest.mark.parametrize("tags", [{}, {"workbench.holds.0": ""}, {"workbench.holds.0": "v1:no base64!"}])
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
    assert set(without_marks(ended)) == {key for key in ended if key.startswith("workbench.holds.")}
    again = MlflowStore(uri)
    again.begin(sweep([cell(0)]))
    assert again.run_id == store.run_id
    assert not has_marks(client.get_run(store.run_id).data.tags)


def test_only_the_plans_of_sweeps_that_may_hold_a_run_are_read(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        store = MlflowStore(uri)
        store.begin(sweep([cell(0, f"own {number}")], name=f"sweep {number}"))
        store.record(result([trained(cell(0, f"own {number}"))]))
        store.end("finished")
    looked_at = []
    standing = holdings.standing

    def noted(connection: Connection, parent: Run, columns: Sequence[str] | None = None) -> object:
        looked_at.append(parent.info.run_name)
        return standing(connection, parent, columns)

    monkeypatch.setattr(holdings, "standing", noted)
    assert set(MlflowStore(uri).held(["own 2", "another"])) == {"own 2"}
    assert looked_at == ["sweep 2"]
