"""The plan: one row a cell, kept as Parquet with the parent run, and read back as it stands now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.sweep.store import DIVERGED, FAILED, FINISHED, HELD_OUTCOMES, PENDING, RunRecord
from workbench.tracking import names
from workbench.tracking.artifacts import listing, read_table
from workbench.tracking.connection import Connection

if TYPE_CHECKING:
    import pyarrow
    from mlflow.entities import Run

_RANK = {FINISHED: 2, DIVERGED: 2, FAILED: 1, PENDING: 0}  # of two rows of a cell, the one that came further counts
STANDING = ("cell", "outcome", "ended")  # the columns that `standing` cannot do without
_JSON = ("overrides", "factors", "params", "metrics")  # of mixed types, kept as JSON text so that the types survive


@dataclass(frozen=True)
class PlanRow:
    """A cell with its place: `row` in its pack, `run_id` of its child run ("" before it has one), and `history`,
    the runs:/ URI of the folder that holds its tables ("" while pending).
    """

    record: RunRecord
    row: int = 0
    run_id: str = ""
    history: str = ""

    @property
    def held(self) -> bool:
        """Whether it was trained here to an end (so not reused from elsewhere)."""
        return self.record.outcome in HELD_OUTCOMES and not self.record.origin


def planned(cells: Sequence[RunRecord]) -> list[PlanRow]:
    """The rows of a new plan: each cell with its position among the cells of its pack."""
    seen: dict[str, int] = {}
    rows = []
    for cell in cells:
        rows.append(PlanRow(cell, seen.get(cell.pack, 0)))
        seen[cell.pack] = seen.get(cell.pack, 0) + 1
    return rows


def to_table(rows: Iterable[PlanRow]) -> pyarrow.Table:
    """The rows as a table, in the order of the cells."""
    import pyarrow

    ordered = sorted(rows, key=lambda row: row.record.cell)
    columns = {
        "cell": pyarrow.array([row.record.cell for row in ordered], pyarrow.int64()),
        "row": pyarrow.array([row.row for row in ordered], pyarrow.int64()),
    }
    for name in ("name", "fingerprint", "pack", "outcome", "reason", "origin", "weights_digest"):
        values = [names.text(getattr(row.record, name)) for row in ordered]
        columns[name] = pyarrow.array(values, pyarrow.string())
    for name in ("run_id", "history"):
        columns[name] = pyarrow.array([getattr(row, name) for row in ordered], pyarrow.string())
    for name in ("started", "ended"):
        columns[name] = pyarrow.array([float(getattr(row.record, name)) for row in ordered], pyarrow.float64())
    for name in _JSON:
        values = [_json(getattr(row.record, name)) for row in ordered]
        columns[name] = pyarrow.array(values, pyarrow.string())
    return pyarrow.table(columns)


def from_table(table: pyarrow.Table) -> list[PlanRow]:
    """The rows of a table that `to_table` made."""
    rows = []
    for values in table.to_pylist():
        place = {name: values.pop(name) for name in ("row", "run_id", "history")}
        values.update({name: json.loads(values[name]) for name in _JSON})
        values["overrides"] = tuple(values["overrides"])
        rows.append(PlanRow(RunRecord(**values), **place))
    return rows


def standing(connection: Connection, parent: Run, columns: Sequence[str] | None = None) -> pyarrow.Table:
    """A sweep's plan as it stands: the plan, and while the sweep runs (or was killed) what its packs came to since.

    One row a cell, with all `columns` of `to_table` by default (else at least STANDING). No row if somebody removed
    the artifacts.
    """
    import pyarrow

    root = parent.info.artifact_uri
    paths = [names.PLAN]
    if parent.data.tags.get(names.OUTCOME) == names.RUNNING:
        paths += [f"{names.PACKS}/{folder}/{names.RUNS}" for folder in listing(connection, root, names.PACKS)]
    tables = [read_table(connection, root, path, columns) for path in paths]
    nothing = to_table([]).select(columns or to_table([]).column_names)
    table = pyarrow.concat_tables([nothing, *(one for one in tables if one is not None)])
    return rows_of(table, _furthest(table))


def rows_of(table: pyarrow.Table, positions: Sequence[int]) -> pyarrow.Table:
    """Some rows of a table, maybe none."""
    import pyarrow

    return table.take(pyarrow.array(positions, pyarrow.int64()))


def _furthest(table: pyarrow.Table) -> list[int]:
    """Of all rows of a cell the one that came further; of equal ones the one that ended last."""
    best: dict[int, tuple[int, float, int]] = {}
    cells, outcomes, ends = (table[name].to_pylist() for name in STANDING)
    for index, (cell, outcome, ended) in enumerate(zip(cells, outcomes, ends, strict=True)):
        best[cell] = max(best.get(cell, (-1, 0.0, 0)), (_RANK[outcome], ended, index))
    return [best[cell][2] for cell in sorted(best)]


def _json(value: Any) -> str:
    """A value as JSON that Parquet takes, whatever characters a person typed."""
    return names.json_text(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays as Python values, anything else as text."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)
