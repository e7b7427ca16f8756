"""Histories of all cells in one table: millions of rows, so each number is kept once and each text once a table.

Texts become pandas' categories, and numbers that count epochs, layers and cells take four bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas
    import pyarrow

_SMALL_NUMBERS = ("epoch", "layer")
_REPLACED_AT_ONCE = 2**20  # rows whose numbers are replaced, so that no column is in memory twice
_SPARSE = 4  # places in a grid for each row: beyond it rows are sorted by comparison


@dataclass(frozen=True)
class Rows:
    """The rows of some cells, in the order of these: column -> values, in which a text is its place among `texts`."""

    columns: dict[str, np.ndarray]
    texts: dict[str, list[str]]

    @property
    def cells(self) -> np.ndarray:
        """The cell of each row, ascending."""
        return self.columns["cell"]


def of_cells(table: pyarrow.Table, cells: Mapping[str, Sequence[int]], order: Sequence[str]) -> Rows:
    """The rows of a pack's runs, once for each of their `cells` (fingerprint -> cells), with a first column `cell`, in
    the order of the cells and then of the columns `order`. Runs without cells are left out.
    """
    columns, texts = _as_numbers(table)
    wanted = sorted((cell, mark) for mark, found in cells.items() for cell in found)
    places: dict[str, list[int]] = {}  # fingerprint -> the places of its cells among the wanted ones
    for place, (_, mark) in enumerate(wanted):
        places.setdefault(mark, []).append(place)
    rows, of_rows = _rows_of(columns["fingerprint"], [places.get(mark, []) for mark in texts["fingerprint"]])
    keys = [columns[name][rows] if name not in texts else _ranks(texts[name])[columns[name][rows]] for name in order]
    sequence = _sequence([of_rows, *keys])
    rows, of_rows = rows[sequence], of_rows[sequence]
    cell = np.array([cell for cell, _ in wanted], np.int32)[of_rows]
    chosen = {name: values[rows] for name, values in columns.items()}
    for name in texts:
        chosen[name], texts[name] = _of_used(chosen[name], texts[name])
    return Rows({"cell": cell, **chosen}, texts)


class LongTable:
    """The rows of all packs, of so many `cells`. Its columns grow in place, so that nothing is in memory twice, and by
    no more than the cells still to come would take if they were like those that are there.
    """

    def __init__(self, cells: int) -> None:
        self._cells = cells
        self._columns: dict[str, np.ndarray] = {}  # with room for more rows than there are
        self._texts: dict[str, dict[str, int]] = {}  # column -> its texts, and their numbers
        self._rows = 0
        self._runs: list[tuple[int, int, int]] = []  # a cell's rows in a part: cell, first row, end

    def add(self, part: Rows) -> None:
        """Take the rows of a pack."""
        first, self._rows = self._rows, self._rows + len(part.cells)
        if first == self._rows:
            return
        self._runs += [(cell, first + start, first + end) for cell, start, end in _runs_of(part.cells)]
        for name in dict.fromkeys([*self._columns, *part.columns]):
            values = part.columns.get(name)
            if name in part.texts:
                numbers = self._texts.setdefault(name, {})
                renamed = [numbers.setdefault(text, len(numbers)) for text in part.texts[name]]
                values = np.array([*renamed, -1], _kind_of(numbers))[part.columns[name]]
            self._room(name, first, values)[first : self._rows] = self._nothing(name) if values is None else values

    def frame(self, columns: Sequence[str]) -> pandas.DataFrame:
        """All rows in the order of the cells, these columns first. The table is empty afterwards."""
        import pandas

        if not self._rows:
            return pandas.DataFrame(columns=list(columns))
        runs = sorted(self._runs)
        rows = None if runs == self._runs else np.concatenate([np.arange(start, end) for _, start, end in runs])
        found = {}
        for name in dict.fromkeys([*columns, *self._columns]):
            values = self._columns.pop(name)
            values.resize(self._rows, refcheck=False)
            if rows is not None:
                values = values[rows]
            found[name] = self._categories(name, values) if name in self._texts else values
        return pandas.DataFrame(found, copy=False)

    def _room(self, name: str, first: int, values: np.ndarray | None) -> np.ndarray:
        """A column with room for all rows; it has nothing in the first ones if it is new."""
        lacking = _kind_of(self._texts[name]) if name in self._texts else np.dtype(np.float64)  # it can hold "nothing"
        kind = lacking if values is None else values.dtype
        if name not in self._columns:
            self._columns[name] = np.full(first, self._nothing(name), lacking if first else kind)
        column = self._columns[name]
        if (wider := np.result_type(column.dtype, kind)) != column.dtype:
            column = self._columns[name] = column.astype(wider)
        if len(column) < self._rows:
            expected = self._rows * self._cells // len(self._runs)
            column.resize(max(self._rows, min(len(column) + len(column) // 8, expected)), refcheck=False)
        return column

    def _nothing(self, name: str) -> float:
        return -1 if name in self._texts else np.nan

    def _categories(self, name: str, numbers: np.ndarray) -> pandas.Categorical[str]:
        """Texts in alphabetical order, which says nothing of packs."""
        import pandas

        texts = list(self._texts[name])
        ranks = _ranks(texts).astype(numbers.dtype)
        for first in range(0, len(numbers), _REPLACED_AT_ONCE):
            part = numbers[first : first + _REPLACED_AT_ONCE]
            part[:] = ranks[part]
        return pandas.Categorical.from_codes(numbers, pandas.Index(sorted(texts)))


def _kind_of(texts: Collection[str]) -> np.dtype:
    """The smallest kind of integers that holds a number for each of the texts, and -1."""
    return np.min_scalar_type(-len(texts) - 1)


def _as_numbers(table: pyarrow.Table) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """The columns of a table, in which a text is its place among the texts of the column; -1 is none."""
    import pyarrow

    columns, texts = {}, {}
    for field in table.schema:
        column = table[field.name]
        if pyarrow.types.is_string(field.type):
            column = column.dictionary_encode()
        column = column.unify_dictionaries().combine_chunks()
        if pyarrow.types.is_dictionary(column.type):
            texts[field.name] = column.dictionary.to_pylist()
            column = column.indices.fill_null(-1)
        values = column.to_numpy(zero_copy_only=False)
        columns[field.name] = values.astype(np.int32) if field.name in _SMALL_NUMBERS else values
    return columns, texts


def _rows_of(marks: np.ndarray, places: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the marks that have places, once for each place, and the place of each."""
    rows, found = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for turn in range(max(map(len, places), default=0)):
        turns = [of_mark[turn] if turn < len(of_mark) else -1 for of_mark in places]
        place = np.array([*turns, -1])[marks]  # the last is that of no mark
        rows.append(np.flatnonzero(place >= 0))
        found.append(place[rows[-1]])
    return np.concatenate(rows), np.concatenate(found)


def _sequence(keys: Sequence[np.ndarray]) -> np.ndarray:
    """The rows in the order of these keys of integers, the first decides before the second.

    A run's history fills a grid of epochs, layers and probes, or most of it. So each row has a place in the grid, and
    nothing is compared.
    """
    rows = len(keys[0])
    if not rows:
        return np.empty(0, np.int64)
    place, size = np.zeros(rows, np.int64), 1
    for key in keys:
        low, high = int(key.min()), int(key.max())
        size *= high - low + 1
        if size > _SPARSE * rows:
            return np.lexsort(list(reversed(keys)))
        place *= high - low + 1
        place += key - low
    grid = np.full(size, -1, np.int64)
    grid[place] = np.arange(rows)
    found = grid[grid >= 0]
    return found if len(found) == rows else np.lexsort(list(reversed(keys)))  # else some rows share a place


def _ranks(texts: Sequence[str]) -> np.ndarray:
    """The place of each text in alphabetical order; -1 for none."""
    return np.append(np.argsort(np.argsort(np.array(texts, dtype=object))), -1)


def _of_used(codes: np.ndarray, texts: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """The same with only those texts that occur."""
    used = np.bincount(codes + 1, minlength=len(texts) + 1)[1:] > 0
    renamed = np.append(np.cumsum(used) - 1, -1).astype(np.int32)
    return renamed[codes], [text for text, is_used in zip(texts, used, strict=True) if is_used]


def _runs_of(cells: np.ndarray) -> list[tuple[int, int, int]]:
    """Each cell with its first row and the end of its rows."""
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1]))
    return list(zip(cells[starts].tolist(), starts.tolist(), [*starts[1:].tolist(), len(cells)], strict=True))
