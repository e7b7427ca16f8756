"""The rows of a sweep's cells while it is written: as asked for, kept from an earlier start, reused, or trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from workbench.engine.errors import BadInput
from workbench.sweep.store import PackResult, RunRecord
from workbench.tracking import names
from workbench.tracking.plan_table import PlanRow, planned


class CellRows:
    """The row of every cell, in the order of the plan. Written rows replace those of their cells."""

    def __init__(self, rows: Iterable[PlanRow] = ()) -> None:
        self._by_cell = {row.record.cell: row for row in rows}
        self._cells: dict[str, list[int]] = {}  # fingerprint -> cells
        for cell, row in self._by_cell.items():
            self._cells.setdefault(row.record.fingerprint, []).append(cell)

    def __iter__(self) -> Iterator[PlanRow]:
        return iter(self._by_cell.values())

    def put(self, written: Iterable[PlanRow]) -> None:
        """Take these rows in place of those of their cells."""
        self._by_cell.update({row.record.cell: row for row in written})

    def of_result(self, result: PackResult, parent: str) -> list[PlanRow]:
        """The rows of a result's runs, and of cells with the same fingerprint: such a run is trained once and shown for
        each. A cell that was reused or belongs to another pack keeps its row.
        """
        history = names.history(parent, result.pack)
        rows = [PlanRow(record, position, history=history) for position, record in enumerate(result.runs)]
        trained = {row.record.fingerprint: row for row in rows}
        given = {row.record.cell for row in rows}
        for fingerprint, first in trained.items():
            others = [self._by_cell[cell] for cell in self._cells.get(fingerprint, ()) if cell not in given]
            rows += [
                replace(first, record=_shown_as(first.record, row.record))
                for row in others
                if not row.record.origin and row.history in ("", history)
            ]
        return rows


def begun_rows(
    cells: Iterable[RunRecord], done: Mapping[tuple[int, str], PlanRow], origins: Mapping[str, PlanRow]
) -> CellRows:
    """The rows of a sweep that begins: those that an earlier start has `done`, by place, stay as they are.

    `origins` has the rows of the runs that cells are reused from, by run id. Raises BadInput if one is missing.
    """
    return CellRows(done.get(place(row.record)) or _reused(row, origins) for row in planned(list(cells)))


def place(cell: RunRecord) -> tuple[int, str]:
    """What tells a cell from others of its sweep, and from an earlier one in its place."""
    return cell.cell, cell.fingerprint


def asked_for(cell: RunRecord) -> RunRecord:
    """A cell with its question alone, without any result."""
    return RunRecord(
        cell.cell, cell.name, cell.fingerprint, cell.pack, cell.overrides, factors=cell.factors, params=cell.params
    )


def _reused(row: PlanRow, origins: Mapping[str, PlanRow]) -> PlanRow:
    """A reused cell with the record of its origin; it keeps its own name, overrides and factors."""
    if not row.record.origin:
        return row
    origin = origins.get(row.record.origin)
    if origin is None:
        raise BadInput(f"cell {row.record.cell}: reused from run {row.record.origin!r}, which the store does not hold")
    record = replace(_shown_as(origin.record, row.record), params=row.record.params, origin=row.record.origin)
    return PlanRow(record, origin.row, history=origin.history)


def _shown_as(trained: RunRecord, cell: RunRecord) -> RunRecord:
    """The result of `trained` as that of `cell`, with the name, overrides and factors of `cell`."""
    return replace(
        trained, cell=cell.cell, name=cell.name, overrides=cell.overrides, factors=cell.factors, origin=cell.origin
    )
