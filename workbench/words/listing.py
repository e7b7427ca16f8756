"""A listing: a table of text, and how it is shown on a terminal of any width, or written elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench import output

LONGEST_NAME_UNBROKEN = 32  # characters of the first column that are never broken
GAP = 2  # spaces after each column


@dataclass(frozen=True)
class Listing:
    """A table of text: a title, the columns' names, and rows of that length.

    `records` are the rows for JSON, if JSON shows more than the texts.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    records: Sequence[Mapping[str, object]] = field(default=())

    def document(self) -> dict[str, object]:
        """As JSON data: the title, and every row by the columns' names."""
        rows = self.records or [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": list(rows)}


def show(item: Listing) -> None:
    """Print a table: with rich on a terminal, as aligned text elsewhere."""
    item = replace(item, rows=[tuple(map(output.escaped, row)) for row in item.rows])
    if sys.stdout.isatty():
        _show_rich(item)
        return
    widths = [max(map(len, column)) for column in zip(item.columns, *item.rows, strict=True)]
    print(item.title)
    for row in (item.columns, *item.rows) if item.rows else [("(none yet)",)]:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False)).rstrip())
    print()


def _show_rich(item: Listing) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not _has_room(item, console.width):
        item = _in_two_columns(item)
    grid = Table(title=escape(item.title), title_justify="left", title_style="bold", box=None, padding=(0, GAP, 0, 0))
    for i, (name, width) in enumerate(zip(item.columns, _widths(item, console.width), strict=True)):
        grid.add_column(name, width=width, overflow="fold", style="cyan" if i == 0 else "", header_style="dim")
    for row in item.rows:
        grid.add_row(*map(escape, row))
    console.print(grid, "" if item.rows else "  (none yet)\n")


def _longest_words(item: Listing) -> list[int]:
    """Of each column the width of its longest word, in characters of a terminal. Names of the first are one word."""
    from rich.cells import cell_len

    columns = list(zip(item.columns, *item.rows, strict=True))
    words = [max((cell_len(word) for text in column for word in text.split()), default=0) for column in columns]
    return [min(max(map(cell_len, columns[0])), LONGEST_NAME_UNBROKEN), *words[1:]]


def _has_room(item: Listing, width: int) -> bool:
    """Whether so wide a terminal shows the columns beside each other without breaking a word."""
    return sum(_longest_words(item)) + GAP * len(item.columns) <= width


def _in_two_columns(item: Listing) -> Listing:
    """The first column as it is, and beside it a line for each of the others, with its name."""
    first, *others = item.columns
    if len(others) == 1:
        return item
    rows = [
        (name, "\n".join(f"{other}: {text}" for other, text in zip(others, texts, strict=True) if text))
        for name, *texts in item.rows
    ]
    return Listing(item.title, (first, ""), rows)


def _widths(item: Listing, width: int) -> list[int]:
    """The widths of the columns: what their texts take, the widest narrowed until all fit, to its longest word at
    most; if that is not enough, the last one has what is left.
    """
    from rich.cells import cell_len

    columns = zip(item.columns, *item.rows, strict=True)
    widths = [max(1, *(cell_len(line) for text in column for line in text.split("\n"))) for column in columns]
    room, least = width - GAP * len(widths), _longest_words(item)
    if widths[0] > LONGEST_NAME_UNBROKEN:
        widths[0] = least[0]
    while sum(widths) > room and (wide := [i for i, one in enumerate(widths) if one > least[i]]):
        widths[max(wide, key=widths.__getitem__)] -= 1
    widths[-1] -= max(0, min(sum(widths) - room, widths[-1] - 1))
    return widths
