"""The plan: a table with one row a cell, stored as Parquet with the parent run, and read back in its current state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.sweep.run_outcomes import DIVERGED, FAILED, FINISHED, HELD_OUTCOMES, PENDING
from workbench.sweep.store import RunRecord
from workbench.tracking import names
from workbench.tracking.artifacts import Broken, listing, read_table
from workbench.tracking.connection import Connection
from workbench.tracking.damage import report_damage

if TYPE_CHECKING:
    import pyarrow
    from mlflow.entities import Run

_RANK = {FINISHED: 2, DIVERGED: 2, FAILED: 1, PENDING: 0}  # of two rows of a cell, the one with the higher rank counts
STANDING = ("cell", "outcome")  # the columns that `standing` needs
_ORDER_KEY = b"workbench.order"  # metadata of a pack's table: the number of its recording since the start
_PROCESSOR = "processor"  # a column that plans of earlier versions lack
_JSON = ("overrides", "factors", "params", "metrics")  # of mixed types, stored as JSON text to keep the types


@dataclass(frozen=True)
class PlanRow:
    """A cell with its location: its `row` in its pack, the `run_id` of its child run ("" while it has none), and
    `history`, the runs:/ URI of the folder of its tables ("" while pending).
    """

    record: RunRecord
    row: int = 0
    run_id: str = ""
    history: str = ""

    @property
    def held(self) -> bool:
        """Whether this sweep trained it to the end, so it is not reused."""
        return self.record.outcome in HELD_OUTCOMES and not self.record.origin


def planned(cells: Sequence[RunRecord]) -> list[PlanRow]:
    """The rows of a new plan: each cell with its position among the cells of its pack."""
    seen: dict[str, int] = {}
    rows = []
    for cell in cells:
        rows.append(PlanRow(cell, seen.get(cell.pack, 0)))
        seen[cell.pack] = seen.get(cell.pack, 0) + 1
    return rows


def to_table(rows: Iterable[PlanRow], order: int = 0) -> pyarrow.Table:
    """The rows as a table, in the order of the cells. The later of two tables has the higher `order`."""
    import pyarrow

    ordered = sorted(rows, key=lambda row: row.record.cell)
    columns = {
        "cell": pyarrow.array([row.record.cell for row in ordered], pyarrow.int64()),
        "row": pyarrow.array([row.row for row in ordered], pyarrow.int64()),
    }
    for name in ("name", "fingerprint", "pack", "outcome", "reason", "origin", "weights_digest", _PROCESSOR):
        values = [names.text(getattr(row.record, name)) for row in ordered]
        columns[name] = pyarrow.array(values, pyarrow.string())
    for name in ("run_id", "history"):
        columns[name] = pyarrow.array([getattr(row, name) for row in ordered], pyarrow.string())
    for name in ("started", "ended"):
        columns[name] = pyarrow.array([float(getattr(row.record, name)) for row in ordered], pyarrow.float64())
    for name in _JSON:
        values = [_json(getattr(row.record, name)) for row in ordered]
        columns[name] = pyarrow.array(values, pyarrow.string())
    return pyarrow.table(columns, metadata={_ORDER_KEY: str(order).encode()})


def from_table(table: pyarrow.Table) -> list[PlanRow]:
    """The rows of a table from `to_table`. Raises Broken for any other table."""
    try:
        columns = {name: table[name].to_pylist() for name in table.column_names}
        # Read together, rows share the texts of their keys.
        columns |= {name: json.loads(f"[{','.join(columns[name])}]") for name in _JSON}
        columns["overrides"] = [tuple(one) for one in columns["overrides"]]
        places = [columns.pop(name) for name in ("row", "run_id", "history")]
        records = (
            RunRecord(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        )
        return [PlanRow(record, *place) for record, *place in zip(records, *places, strict=True)]
    except (TypeError, ValueError, KeyError) as error:
        raise Broken(names.PLAN, error) from error


def standing(connection: Connection, parent: Run, columns: Sequence[str] | None = None) -> pyarrow.Table:
    """The current state of a sweep's plan (see `look`)."""
    return look(connection, parent, columns)[0]


def look(connection: Connection, parent: Run, columns: Sequence[str] | None = None) -> tuple[pyarrow.Table, bool]:
    """The current state of a sweep's plan, and whether the plan is damaged, so that cells may be missing.

    While a sweep runs, and after it was killed, the tables of its packs are newer than the plan and are added to it.
    One row a cell, with all `columns` of `to_table` by default (else at least STANDING); no rows if somebody deleted
    the artifacts. A damaged file is reported. The tables of the packs replace a damaged plan.
    """
    import pyarrow

    nothing = to_table([]).select(columns or to_table([]).column_names)
    plan, broken = _read(connection, parent, names.PLAN, nothing)
    tables = [nothing] if plan is None else [nothing, plan]
    orders = [0] * sum(len(table) for table in tables)
    if broken or parent.data.tags.get(names.OUTCOME) == names.RUNNING:
        for folder in _packs_of(connection, parent):
            pack, _ = _read(connection, parent, f"{names.PACKS}/{folder}/{names.RUNS}", nothing)
            if pack is not None:
                tables.append(pack)
                orders += [_order(pack)] * len(pack)
    table = pyarrow.concat_tables(tables)
    return rows_of(table, _furthest(table, orders)), broken


def _packs_of(connection: Connection, parent: Run) -> list[str]:
    """The folders of a sweep's packs; none if they cannot be listed, which is reported."""
    try:
        return listing(connection, parent.info.artifact_uri, names.PACKS)
    except Broken as error:
        report_damage(connection, parent, str(error))
        return []


def rows_of(table: pyarrow.Table, positions: Sequence[int]) -> pyarrow.Table:
    """The rows of a table at these positions."""
    import pyarrow

    return table.take(pyarrow.array(positions, pyarrow.int64()))


def _read(connection: Connection, parent: Run, path: str, like: pyarrow.Table) -> tuple[pyarrow.Table | None, bool]:
    """A table of plan rows with the columns of `like`, or None if it is missing; and whether it is damaged."""
    try:
        table = read_table(connection, parent.info.artifact_uri, path, like.column_names)
        if table is None:
            return None, False
        return _checked(table, path, like), False
    except Broken as error:
        report_damage(connection, parent, str(error))
        return None, True


def _checked(table: pyarrow.Table, path: str, like: pyarrow.Table) -> pyarrow.Table:
    """The table itself. Raises Broken if it is not a table of plan rows."""
    import pyarrow

    kept = table.schema.metadata or {}
    try:
        if _PROCESSOR in like.column_names and _PROCESSOR not in table.column_names:
            table = table.append_column(_PROCESSOR, pyarrow.array([""] * len(table), pyarrow.string()))
        table = table.select(like.column_names).cast(like.schema)
        strangers = set(table["outcome"].to_pylist()) - set(_RANK)
        if strangers or any(column.null_count for column in table.columns):
            raise ValueError("it holds no plan")
    except Exception as error:  # a damaged schema makes pyarrow raise errors of many types
        raise Broken(path, error) from error
    return table.replace_schema_metadata({_ORDER_KEY: kept.get(_ORDER_KEY, b"0")})


def _order(table: pyarrow.Table) -> int:
    """The number of a pack's recording since the start; 0 if it was not stored."""
    noted = table.schema.metadata[_ORDER_KEY]
    return int(noted) if noted.isdigit() and len(noted) < 16 else 0


def _furthest(table: pyarrow.Table, orders: Sequence[int]) -> list[int]:
    """For each cell, the row of the highest rank, and the one that was recorded last among equals."""
    outcomes = table["outcome"].combine_chunks().dictionary_encode()
    known = np.array([_RANK[outcome] for outcome in outcomes.dictionary.to_pylist()], np.int64)
    ranks = known[outcomes.indices.to_numpy(zero_copy_only=False)]
    cells = table["cell"].to_numpy()
    found = np.lexsort((np.asarray(orders, np.int64), ranks, cells))  # stable: of equals the last row comes last
    last = np.append(cells[found][1:] != cells[found][:-1], True)[: len(found)]
    chosen: list[int] = found[last].tolist()
    return chosen


def _json(value: object) -> str:
    """A value as JSON that Parquet accepts, whatever characters a person typed."""
    plain = _ENCODER.encode(value)
    return plain if names.is_harmless(plain) else names.json_text(value, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    """NumPy scalars and arrays as Python values, anything else as text."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False)  # json.dumps would make one for each value
