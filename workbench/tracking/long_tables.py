"""Histories of all cells in one table: millions of rows, so each number is kept once and each text once a table.

Rows stay Arrow's until the end. Texts become pandas' categories, and numbers that count epochs, layers and cells take
four bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas
    import pyarrow

_SMALL_NUMBERS = ("epoch", "layer")


def of_cells(table: pyarrow.Table, cells: Mapping[str, Sequence[int]], order: Sequence[str]) -> pyarrow.Table:
    """The rows of a pack's runs, once for each of their `cells` (fingerprint -> cells), with a first column `cell`, in
    the order of the cells and then of the columns `order`. Runs without cells are left out.
    """
    import pyarrow

    texts = [field.name for field in table.schema if pyarrow.types.is_string(field.type)]
    for name in texts:
        table = table.set_column(table.column_names.index(name), name, table[name].combine_chunks().dictionary_encode())
    for name in {*_SMALL_NUMBERS} & {*table.column_names}:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pyarrow.int32()))
    marks = table["fingerprint"].combine_chunks()
    places = {text: place for place, text in enumerate(marks.dictionary.to_pylist())}
    rows = np.argsort(marks.indices.to_numpy(zero_copy_only=False), kind="stable")
    ends = np.cumsum(np.bincount(marks.indices, minlength=len(places)))
    wanted = sorted((cell, places[mark]) for mark, found in cells.items() if mark in places for cell in found)
    starts = np.concatenate(([0], ends[:-1]))
    parts = [rows[starts[place] : ends[place]] for _, place in wanted]
    chosen = np.concatenate(parts) if parts else np.empty(0, np.int64)
    cell = np.repeat(np.array([cell for cell, _ in wanted], np.int32), [len(part) for part in parts])
    chosen = chosen[np.lexsort([*(_ranks(table[name], chosen) for name in reversed(order)), cell])]
    table = table.take(pyarrow.array(chosen))
    for name in texts:
        table = table.set_column(table.column_names.index(name), name, _of_used(table[name].combine_chunks()))
    return table.add_column(0, "cell", pyarrow.array(cell))


def together(parts: list[pyarrow.Table], columns: Sequence[str]) -> pandas.DataFrame:
    """Tables of `of_cells` in one, in the order of the cells, these columns first. `parts` is empty afterwards: each of
    their columns goes as soon as it is copied.
    """
    import pandas
    import pyarrow

    slices = _in_order([part for part in parts if len(part)])
    parts.clear()
    if not slices:
        return pandas.DataFrame(columns=list(columns))
    table = pyarrow.concat_tables(slices, promote_options="default").unify_dictionaries()
    slices.clear()
    frame = table.select([*columns, *(name for name in table.column_names if name not in columns)]).to_pandas(
        self_destruct=True, split_blocks=True
    )
    for name in frame.select_dtypes("category"):  # in an order that says nothing of packs
        frame[name] = frame[name].cat.reorder_categories(sorted(frame[name].cat.categories))
    return frame


def _in_order(parts: Sequence[pyarrow.Table]) -> list[pyarrow.Table]:
    """Slices of the tables, each of as many cells as follow each other."""
    slices: list[tuple[int, int, int, int]] = []  # first cell, table, first row, rows
    for number, part in enumerate(parts):
        cells, starts = np.unique(part["cell"].to_numpy(), return_index=True)
        ends = [*starts[1:], len(part)]
        slices += [
            (int(cell), number, int(start), int(end)) for cell, start, end in zip(cells, starts, ends, strict=True)
        ]
    found: list[list[int]] = []
    for _, number, start, end in sorted(slices):
        if found and found[-1][0] == number and found[-1][2] == start:
            found[-1][2] = end
        else:
            found.append([number, start, end])
    return [parts[number].slice(start, end - start) for number, start, end in found]


def _of_used(texts: pyarrow.DictionaryArray) -> pyarrow.DictionaryArray:
    """The same with only those texts that occur."""
    import pyarrow

    used, places = np.unique(texts.indices.to_numpy(zero_copy_only=False), return_inverse=True)
    return pyarrow.DictionaryArray.from_arrays(places.astype(np.int32), texts.dictionary.take(pyarrow.array(used)))


def _ranks(column: pyarrow.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    """Numbers that order these rows as the column's values do."""
    import pyarrow

    if not pyarrow.types.is_dictionary(column.type):
        return column.to_numpy()[rows]
    array = column.combine_chunks()
    ranks = np.argsort(np.argsort(np.array(array.dictionary.to_pylist(), dtype=object)))
    return ranks[array.indices.to_numpy(zero_copy_only=False)[rows]]
