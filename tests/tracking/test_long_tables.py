"""Histories of many packs in one table."""

from __future__ import annotations

import numpy as np
import pyarrow
import pytest

from workbench.tracking.long_tables import LongTable, of_cells

ORDER = ("epoch", "probe")


def pack(*marks: str, probes: tuple[str, ...] = ("gain", "dead"), **more: object) -> pyarrow.Table:
    """Two epochs of each run, as training leaves them: epoch by epoch, and in no order of texts."""
    rows = [(mark, epoch, probe) for epoch in (0, 1) for probe in probes for mark in marks]
    columns = dict(zip(("fingerprint", "epoch", "probe"), zip(*rows, strict=True), strict=True))
    return pyarrow.table({name: list(values) for name, values in columns.items()} | {"value": range(len(rows)), **more})


def test_rows_stand_in_the_order_of_cells_whatever_pack_they_are_of() -> None:
    table = LongTable(4)
    table.add(of_cells(pack("a", "b", "left out"), {"a": [3], "b": [0]}, ORDER))
    table.add(of_cells(pack("c"), {"c": [2, 1]}, ORDER))
    found = table.frame(("cell", "fingerprint"))
    assert found["cell"].tolist() == [cell for cell in range(4) for _ in range(4)]
    assert list(dict.fromkeys(found["fingerprint"])) == ["b", "c", "a"]
    assert found["epoch"].tolist() == [0, 0, 1, 1] * 4
    assert found["probe"].tolist() == ["dead", "gain"] * 8
    of_a, of_b = (found.loc[found["cell"] == cell, "value"].tolist() for cell in (3, 0))
    assert of_a == [3, 0, 9, 6]
    assert of_b == [4, 1, 10, 7]


def test_categories_are_the_texts_that_occur_in_alphabetical_order() -> None:
    table = LongTable(4)
    table.add(of_cells(pack("left out", "b", probes=("z", "y")), {"b": [1]}, ORDER))
    table.add(of_cells(pack("a", probes=("x",)), {"a": [0]}, ORDER))
    found = table.frame(("cell",))
    assert list(found["fingerprint"].cat.categories) == ["a", "b"]
    assert list(found["probe"].cat.categories) == ["x", "y", "z"]


def test_a_column_that_a_pack_lacks_is_nan_there() -> None:
    parts = [of_cells(pack(mark, probes=("gain",), **more), {mark: [cell]}, ORDER)
             for cell, (mark, more) in enumerate([("a", {}), ("b", {"slope": [1.5, 2.5]}), ("c", {})])]  # fmt: skip
    table = LongTable(4)
    for part in parts:
        table.add(part)
    assert np.array_equal(table.frame(())["slope"], [np.nan, np.nan, 1.5, 2.5, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize("epochs", [[0, 0, 1], [0, 10**9, 5]], ids=["repeated", "far apart"])
def test_rows_that_fill_no_grid_are_ordered_too(epochs: list[int]) -> None:
    rows = {"fingerprint": ["a"] * 3, "epoch": epochs, "probe": ["gain"] * 3, "value": [0.0, 1.0, 2.0]}
    table = LongTable(4)
    table.add(of_cells(pyarrow.table(rows), {"a": [7]}, ORDER))
    found = table.frame(())
    assert found["epoch"].tolist() == sorted(epochs)
    assert found["value"].tolist() == [float(place) for place in np.argsort(epochs, kind="stable")]


def test_no_column_has_room_for_more_rows_than_there_will_be() -> None:
    table = LongTable(100)
    for number in range(100):
        table.add(of_cells(pack(f"run {number}"), {f"run {number}": [number]}, ORDER))
        assert max(map(len, table._columns.values())) <= 100 * 4
    assert {len(column) for column in table._columns.values()} == {100 * 4}
    table.add(of_cells(pack("more", "of them"), {"more": [100], "of them": [101]}, ORDER))
    assert max(map(len, table._columns.values())) <= 102 * 4
    assert table.frame(())["cell"].tolist() == [cell for cell in range(102) for _ in range(4)]


def test_no_rows_are_a_table_of_the_columns_asked_for() -> None:
    table = LongTable(4)
    table.add(of_cells(pack("a"), {}, ORDER))
    assert list(table.frame(("cell", "epoch"))) == ["cell", "epoch"]
