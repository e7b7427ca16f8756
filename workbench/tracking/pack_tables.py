"""The tables of a recorded pack, by their files: epochs, layers, what was measured, and what is kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.sweep.store import PackResult
from workbench.tracking import names
from workbench.tracking.history_tables import epochs_table, layers_table, together
from workbench.tracking.models import KEPT_APART, parts_table

if TYPE_CHECKING:
    import pyarrow


def tables_of(result: PackResult) -> dict[str, pyarrow.Table]:
    """File -> table. A file of measured tables is there only if anything was measured."""
    tables = {names.EPOCHS_FILE: epochs_table(result.epochs), names.LAYERS_FILE: layers_table(result.layers)}
    measured = {name: table for name, table in result.tables.items() if name not in KEPT_APART}
    if measured:
        tables[names.TABLES_FILE] = together(measured)
    for name, file in KEPT_APART.items():
        if name in result.tables:
            tables[file] = parts_table(result.tables[name])
    return tables
