"""The rows of a sweep's cells: kept if an earlier start ended them, reused from their origin, shown for every twin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tracking.cases import cell, result, trained
from workbench.engine.errors import BadInput
from workbench.sweep.run_outcomes import FINISHED, PENDING
from workbench.tracking.cell_rows import begun_rows, place
from workbench.tracking.names import history
from workbench.tracking.plan_table import PlanRow


def test_what_an_earlier_start_has_ended_stays_and_all_else_is_pending() -> None:
    ended = PlanRow(trained(cell(0)), run_id="child")
    first, second = begun_rows([cell(0), cell(1)], {place(cell(0)): ended}, {})
    assert first is ended
    assert (second.record, second.row, second.run_id) == (cell(1), 1, "")


def test_another_run_in_the_place_of_a_cell_is_not_the_one_that_ended() -> None:
    ended = PlanRow(trained(cell(0)))
    (row,) = begun_rows([cell(0, "another")], {place(cell(0)): ended}, {})
    assert row.record.outcome == PENDING


def test_a_reused_cell_has_the_result_of_its_origin_and_its_own_name_and_question() -> None:
    origin = PlanRow(trained(cell(7, "same", params={"seed": 7})), row=3, run_id="there", history="runs:/there/packs/a")
    (row,) = begun_rows([cell(0, "same", origin="there")], {}, {"there": origin})
    assert row == PlanRow(
        replace(trained(cell(7, "same")), cell=0, name="seed=0", origin="there", params=cell(0).params,
                overrides=cell(0).overrides, factors=cell(0).factors),
        row=3, history="runs:/there/packs/a",
    )  # fmt: skip


def test_a_reused_cell_whose_origin_is_not_held_is_one_line() -> None:
    with pytest.raises(BadInput, match="cell 0: reused from run 'gone', which the store does not hold"):
        begun_rows([cell(0, origin="gone")], {}, {})


def test_a_run_is_trained_once_and_shown_for_every_cell_of_its_fingerprint() -> None:
    rows = begun_rows([cell(0, "same"), cell(1, "same"), cell(2)], {}, {})
    found = rows.of_result(result([trained(cell(0, "same"))]), "parent")
    assert [(row.record.cell, row.record.name, row.record.outcome) for row in found] == [
        (0, "seed=0", FINISHED),
        (1, "seed=1", FINISHED),
    ]
    assert {row.history for row in found} == {history("parent", "pack")}
    rows.put(found)
    assert [row.record.outcome for row in rows] == [FINISHED, FINISHED, PENDING]


def test_a_cell_that_is_reused_or_of_another_pack_keeps_its_row() -> None:
    origin = PlanRow(trained(cell(7, "same")), run_id="there", history="runs:/there/packs/a")
    rows = begun_rows([cell(0, "same"), cell(1, "same", origin="there"), cell(2, "same")], {}, {"there": origin})
    rows.put([PlanRow(trained(cell(2, "same")), history=history("parent", "another"))])
    found = rows.of_result(result([trained(cell(0, "same"))]), "parent")
    assert [row.record.cell for row in found] == [0]
