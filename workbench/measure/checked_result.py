"""What an analysis or measurement of a person's own gave, checked before any run is trained for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from workbench.engine.errors import BadInput
from workbench.measure.kept_model import MODEL_TABLE
from workbench.measure.kept_state import STATE_TABLE
from workbench.sweep.instruments import Measured, Table

_STORED_KINDS = "biufU"  # of NumPy: what checkpoints and the store keep
_NAMES_OF_FILES = (MODEL_TABLE, STATE_TABLE)  # tables that become files of their own
_OF_THE_STORE = ("cell", "fingerprint")  # columns that say of which run the rows are


def checked_result(found: object, returns: Sequence[str]) -> Measured:
    """What a function gave whose row announces the metrics `returns`: metrics as floats, columns as arrays.

    Raises BadInput for anything that no store could hold.
    """
    if not isinstance(found, Measured):
        raise BadInput(f"found {_kind(found)}; allowed: Measured({{'metric': number}})")
    if unknown := sorted(map(str, {*found.metrics} - {*returns})):
        raise BadInput(f"gave {', '.join(unknown)}, which its row does not announce: {', '.join(returns) or 'nothing'}")
    metrics = {name: _number(name, value) for name, value in found.metrics.items()}
    return Measured(metrics, {name: _table(name, columns) for name, columns in found.tables.items()})


def _kind(found: object) -> str:
    name = type(found).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise BadInput(f"{name} is {value!r:.60}; allowed: a number") from None


def _table(name: object, columns: object) -> Table:
    if name in _NAMES_OF_FILES:
        raise BadInput(f"a table is called {name!r}; allowed: any other name, as the store keeps that one apart")
    if not isinstance(name, str) or not isinstance(columns, Mapping) or not columns:
        raise BadInput(f"table {name!r} is {_kind(columns)}; allowed: names of columns, each with its values")
    table = {column: _column(f"table {name}: column {column}", column, values) for column, values in columns.items()}
    lengths = {column: len(values) for column, values in table.items()}
    if len({*lengths.values()}) > 1:
        found = ", ".join(f"{column} {length}" for column, length in lengths.items())
        raise BadInput(f"table {name}: its columns have different lengths ({found}); allowed: one length")
    return table


def _column(where: str, name: object, values: object) -> np.ndarray:
    if not isinstance(name, str) or name in _OF_THE_STORE:
        raise BadInput(f"{where} has a name that is not free; allowed: a text, and not {' or '.join(_OF_THE_STORE)}")
    try:
        column = np.asarray(values)
    except ValueError:  # lists of different lengths
        raise BadInput(f"{where} is no row of values; allowed: numbers alone, or texts alone") from None
    if column.dtype.kind == "O" and all(isinstance(value, str) for value in column.flat):
        column = column.astype(str)  # as pandas gives texts
    if column.ndim != 1 or column.dtype.kind not in _STORED_KINDS:
        shape = " x ".join(map(str, column.shape)) or "one value"
        raise BadInput(f"{where} is {shape} of {column.dtype}; allowed: one row of numbers, or of texts")
    return column
