"""Measurements and analyses of a person's own: `measures/*.py` of the working folder.

Such a file holds `ANALYSES` or `MEASUREMENTS`, dictionaries from names to rows as ours are. Its text travels with the
instruments, so another process takes the analysis as it was when the sweep was planned, and its digest is part of the
fingerprint of every run that asks for one of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from workbench.engine.errors import BadInput
from workbench.engine.rules.rule_files import RuleFile, TakenName, tables_of
from workbench.measure.measurement import Analysis, Measurement

Row = TypeVar("Row", Analysis, Measurement)
OWN_TABLES = ("ANALYSES", "MEASUREMENTS")
FOLDER = "measures"
_COMMAND_NAMES = ("training", "none", "auto")  # mean something else in a command


@dataclass(frozen=True)
class OwnRows:
    """What one file holds."""

    analyses: dict[str, Analysis]
    measurements: dict[str, Measurement]

    @property
    def names(self) -> set[str]:
        """Of all its rows."""
        return {*self.analyses, *self.measurements}


def rows_of(file: RuleFile, taken: set[str]) -> OwnRows:
    """The rows of a file, which is executed for that; `taken` are the names of others.

    Raises BadInput for whatever it raises and for a row that is not right, TakenName for a name that is taken.
    """
    tables = tables_of(file, OWN_TABLES)
    analyses = _rows(file, "ANALYSES", tables["ANALYSES"], Analysis, taken)
    measurements = _rows(file, "MEASUREMENTS", tables["MEASUREMENTS"], Measurement, {*taken, *analyses})
    return OwnRows(analyses, measurements)


def _rows(file: RuleFile, table: str, rows: Mapping[str, object], kind: type[Row], taken: set[str]) -> dict[str, Row]:
    return {str(name): _checked(file, table, name, row, kind, taken) for name, row in rows.items()}


def _checked(file: RuleFile, table: str, name: object, row: object, kind: type[Row], taken: set[str]) -> Row:
    where = f"{file.name}: {table}"
    if not isinstance(name, str) or not name.isidentifier() or name in _COMMAND_NAMES:
        raise BadInput(
            f"{where} has a row named {name!r}; allowed: letters, digits and '_', and not {', '.join(_COMMAND_NAMES)}"
        )
    if not isinstance(row, kind):
        raise BadInput(f"{where}[{name!r}] is a {type(row).__name__}; allowed: {kind.__name__}(...)")
    if name in taken:
        raise TakenName(f"{where} has a row named {name!r}, and there is one already; give it another name")
    if not isinstance(row.summary, str) or not row.summary.isprintable():
        raise BadInput(f"{where}[{name!r}]: its summary is {row.summary!r}; allowed: one line of text")
    returns: object = row.returns
    if not isinstance(returns, tuple) or not all(isinstance(one, str) and one.isidentifier() for one in returns):
        raise BadInput(f"{where}[{name!r}]: its returns are {returns!r}; allowed: a tuple of names, as ('my_metric',)")
    if reserved := [one for one in returns if one.startswith(("best_", "last_"))]:
        raise BadInput(f"{where}[{name!r}]: returns {reserved[0]!r}; names with best_ and last_ are of our own curves")
    return row
