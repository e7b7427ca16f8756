"""The figures of a page as separate files, for slides, papers and MLflow's list of artifacts, and their tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from workbench import files
from workbench.engine.errors import BadInput
from workbench.report import wording
from workbench.report.figures.base import DrawnFigure, Table
from workbench.report.figures.exported import FORMATS, exported
from workbench.report.figures.standalone import standalone
from workbench.report.page.view import View

FIGURES_FOLDER, TABLES, LATEX = "figures", "csv", "tex"
FILE_KINDS = (*FORMATS, TABLES, LATEX)
LATEX_FILE = "tables.tex"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes a cell for that begins so
_NUMBER_SHOWN = r"[+-]?\.?\d[\d.,]*(e[+-]?\d+)?[\w% ]*"  # with its unit
_SHOWN_NUMBERS = re.compile(f"{_NUMBER_SHOWN}( to {_NUMBER_SHOWN})?", re.ASCII)


def write_figures(made: View, folder: Path, formats: Sequence[str] = ()) -> Path:
    """Write every figure of a view into `<folder>/figures`, in the order of the page; delete earlier files there.

    Without `formats` as SVG, as the page has them; else in each of these, with title and legend, as "csv" the table
    behind each figure, and as "tex" the tables of effects and verdicts in one file.
    """
    target = folder / FIGURES_FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for old in (one for kind in FILE_KINDS for one in target.glob(f"*.{kind}")):
        old.unlink()
    if LATEX in formats:
        files.write(target / LATEX_FILE, made.latex())
    place = 0
    for about, figure in named_figures(made):
        for plot in figure.plots:
            place += 1
            stem = f"{place:03d}-{_words(f'{about} {plot.title}')}"
            if not set(formats) - {LATEX}:
                files.write(target / f"{stem}.svg", standalone(plot.svg))
            for kind in (one for one in formats if one in FORMATS):
                files.write(target / f"{stem}.{kind}", exported(figure, plot.panel, kind))
        if TABLES in formats and figure.plots:
            files.write(target / f"{place:03d}-{_words(f'{about} {figure.table.caption}')}.csv", as_csv(figure.table))
    return target


def as_csv(table: Table) -> str:
    """A table as CSV: a row of heads, then the cells as they are shown, with numbers as a program reads them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in (table.heads, *table.rows):
        writer.writerow([_inert(wording.as_data(cell)) for cell in row])
    return buffer.getvalue()


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe makes it text. `take.js` does the same."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not _SHOWN_NUMBERS.fullmatch(cell) else cell


def formats_of(text: str) -> tuple[str, ...]:
    """The formats in a list like "png,pdf". Raises BadInput for one that is none."""
    found = tuple(dict.fromkeys(one.strip().lower() for one in text.split(",") if one.strip()))
    for one in found:
        if one not in FILE_KINDS:
            raise BadInput(f"--figures: found {one!r}; allowed: any of {', '.join(FILE_KINDS)}, with commas between")
    return found


def named_figures(made: View) -> Iterable[tuple[str, DrawnFigure]]:
    """The figures with their subjects, in the order of the page."""
    for card in made.cards:
        yield from ((card.claim.id, figure) for figure in card.figures)
    yield from _of_section(made, "search", "search")
    yield from _of_section(made, "figures", "figure")
    yield from _of_section(made, "outcome", "outcome")
    for one in made.by_factor:
        yield from ((one["factor"].name, figure) for figure in one["figures"])
    yield from _of_section(made, "interactions", "pairs")
    yield from _of_section(made, "layers", "probes")
    yield from _of_section(made, "analyses", "analyses")
    yield from _of_section(made, "sensitivity", "sensitivity")


def _of_section(made: View, section: str, name: str) -> Iterable[tuple[str, DrawnFigure]]:
    return ((figure.title or name, figure) for figure in made.figures[section])


def _words(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[:60].strip("-") or "figure"
