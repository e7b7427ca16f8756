"""The long tables of a pack: measurements of every epoch, and of every layer at every epoch."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.addresses import local_path
from workbench.sweep.store import EPOCH_COLUMNS, LAYER_COLUMNS
from workbench.tracking import names
from workbench.tracking.artifacts import Broken, listing, read_table
from workbench.tracking.connection import Connection
from workbench.tracking.damage import report_damage
from workbench.tracking.files_ahead import packs_named

if TYPE_CHECKING:
    import pyarrow
    from mlflow.entities import Run

Columns = Mapping[str, np.ndarray | Sequence[object]]  # a table by the names of its columns
_read_before: set[tuple[str, int, int, int]] = set()  # files that this process found whole: path, inode, time, size
TABLE_COLUMN = "table"  # which of the tables that stand in one file a row belongs to
_EMPTY = {"fingerprint": str, "probe": str, "epoch": np.int64, "layer": np.int64}  # column -> type, else float64


def epochs_table(columns: Columns) -> pyarrow.Table:
    """The epochs of a pack, column -> array of rows, as a table with at least EPOCH_COLUMNS."""
    return _table(columns, EPOCH_COLUMNS)


def layers_table(columns: Columns) -> pyarrow.Table:
    """The layers of a pack, column -> array of rows, as a table with at least LAYER_COLUMNS."""
    return _table(columns, LAYER_COLUMNS)


def together(tables: Mapping[str, Columns]) -> pyarrow.Table:
    """Tables of different columns as one table. The column TABLE_COLUMN names the table of each row; a cell is null if
    that table lacks the column.
    """
    import pyarrow

    parts = []
    for name, columns in tables.items():
        rows = {column: np.asarray(values) for column, values in columns.items()}
        count = len(rows["fingerprint"])
        kinds = {column: pyarrow.string() if values.dtype.kind in "UO" else None for column, values in rows.items()}
        arrays = {column: pyarrow.array(values, kinds[column]) for column, values in rows.items()}
        parts.append(pyarrow.table({TABLE_COLUMN: pyarrow.array([name] * count, pyarrow.string()), **arrays}))
    return pyarrow.concat_tables(parts, promote_options="permissive")


def intact(connection: Connection, parents: Mapping[str, Run], histories: Iterable[str]) -> set[str]:
    """Those of the packs of which no table is missing, and each can be read to its end if it is a file of this machine.

    `parents` are the sweeps of the store by run id. Damage is reported. A server that does not send the names of all
    packs together is asked once a sweep, for its packs alone: their tables are there before any run of theirs is.
    """
    looked_into: dict[str, tuple[Run, str]] = {}  # history -> its sweep and its folder, by what is in that
    of_packs: dict[str, tuple[Run, str]] = {}  # the same, by the names of all packs of its sweep
    for history in histories:
        run_id, folder = names.history_place(history) or ("", "")
        if parent := parents.get(run_id):
            named = (parent.info.artifact_uri, folder) in connection.names_ahead
            places = looked_into if named or connection.location.file is not None else of_packs
            places[history] = parent, folder
    whole = {history for history, place in looked_into.items() if _is_whole(connection, *place)}
    return whole | _among_packs(connection, of_packs)


def _among_packs(connection: Connection, places: Mapping[str, tuple[Run, str]]) -> set[str]:
    """Those of the histories whose folders stand among the packs of their sweeps."""
    found: set[str] = set()
    packs: dict[str, set[str]] = {}  # root -> its packs
    with packs_named(connection, (parent for parent, _ in places.values())):
        for history, (parent, folder) in places.items():
            root = parent.info.artifact_uri
            if root not in packs:
                packs[root] = set(listing(connection, root, names.PACKS))
            if posixpath.basename(folder) in packs[root]:
                found.add(history)
    return found


def _is_whole(connection: Connection, parent: Run, folder: str) -> bool:
    root = parent.info.artifact_uri
    try:
        there = listing(connection, root, folder)
        if not {names.EPOCHS_FILE, names.LAYERS_FILE} <= set(there):
            return False
        if connection.location.file is None:
            return True
        for file in (names.EPOCHS_FILE, names.LAYERS_FILE, names.TABLES_FILE, names.MODELS, names.STATES):
            if file in there:
                _read_once(connection, root, f"{folder}/{file}")
    except Broken as error:
        report_damage(connection, parent, f"{error}, so its runs are trained again when they are next asked for")
        return False
    return True


def _read_once(connection: Connection, root: str, path: str) -> None:
    """Read a table to its end, unless this process has, and the file is the same. Raises Broken."""
    stamp = _stamp(root, path)
    if stamp is None or stamp not in _read_before:
        read_history(connection, root, path)
        if stamp is not None:
            _read_before.add(stamp)


def _stamp(root: str, path: str) -> tuple[str, int, int, int] | None:
    folder = local_path(root)
    if folder is None:
        return None
    try:
        about = (folder / path).stat()
    except OSError:
        return None
    return str(folder / path), about.st_ino, about.st_mtime_ns, about.st_size


def read_history(connection: Connection, root: str, path: str, coded: bool = False) -> pyarrow.Table | None:
    """One table of a pack; None if it is missing. Raises Broken if it is damaged or lacks columns.

    `coded` as in `read_table`.
    """
    table = read_table(connection, root, path, coded=coded)
    if table is None:
        return None
    columns = {names.EPOCHS_FILE: EPOCH_COLUMNS, names.LAYERS_FILE: LAYER_COLUMNS, names.TABLES_FILE: (TABLE_COLUMN,)}
    if missing := {"fingerprint", *columns.get(posixpath.basename(path), ())} - set(table.column_names):
        raise Broken(path, ValueError(f"columns are missing: {', '.join(sorted(missing))}"))
    return table


def by_fingerprint(table: Columns) -> dict[str, dict[str, np.ndarray]]:
    """A long table (column -> array of rows) split by fingerprint, each part in the order of its epochs."""
    columns = {name: np.asarray(values) for name, values in table.items()}
    if not len(columns.get("fingerprint", ())):
        return {}
    order = np.lexsort((columns["epoch"], columns["fingerprint"]))
    columns = {name: values[order] for name, values in columns.items()}
    found, starts = np.unique(columns["fingerprint"], return_index=True)
    ends = [*starts[1:], len(order)]
    return {
        str(fingerprint): {name: values[start:end] for name, values in columns.items()}
        for fingerprint, start, end in zip(found, starts, ends, strict=True)
    }


def _table(columns: Columns, wanted: tuple[str, ...]) -> pyarrow.Table:
    """The table of these columns; a missing column holds NaN. If all runs of a pack failed, there may be no columns."""
    import pyarrow

    rows = len(columns.get("fingerprint", ()))
    full = {name: columns.get(name, np.full(rows, np.nan)) for name in (*wanted, *columns)}
    arrays = {name: np.asarray(values, None if rows else _EMPTY.get(name)) for name, values in full.items()}
    kinds = {name: pyarrow.string() if array.dtype.kind in "UO" else None for name, array in arrays.items()}
    return pyarrow.table({name: pyarrow.array(array, kinds[name]) for name, array in arrays.items()})
