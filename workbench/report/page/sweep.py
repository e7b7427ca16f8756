"""The page of a sweep: one self-contained HTML file, and its data beside it as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from workbench import files
from workbench.engine.errors import BadInput
from workbench.report.figures.figure import Figure
from workbench.report.figures.findings import Findings
from workbench.report.page import page_data
from workbench.report.page.figure_files import write_figures
from workbench.report.page.folder import make, stem
from workbench.report.page.rendering import render
from workbench.report.page.view import View, view
from workbench.report.verdicts.claim_rules import Claim
from workbench.report.verdicts.decision import decide_all

if TYPE_CHECKING:
    from workbench.tracking.read import SweepTables


@dataclass(frozen=True)
class Page:
    """Where a page, its data and its figures (a folder) were written."""

    html: Path
    json: Path
    figures: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All of its files, which are kept with the sweep."""
        return self.html, self.json, self.figures


def write(
    tables: SweepTables,
    claims: Sequence[Claim],
    folder: Path,
    figures: Sequence[Figure] = (),
    formats: Sequence[str] = (),
) -> Page:
    """Write the page of a sweep as `<folder>/<name>.html` and its data as `<name>.json`; equal tables give equal bytes.

    `figures` are the experiment's own, shown below its claims; `formats` those of the figures' files (default: the SVGs
    of the page; see `write_figures`). A name that no file can have is changed (`stem`).

    Raises BadInput if the sweep has no cell.
    """
    if not len(tables.runs):
        raise BadInput(f"sweep {tables.name} has no cell, so there is nothing to report")
    made = view(found(tables, claims, figures))
    make(folder)
    name = stem(tables.name, folder)
    page = Page(folder / f"{name}.html", folder / f"{name}.json", write_figures(made, folder / name, formats))
    files.write(page.html, html(made))
    files.write(page.json, page_data.text(made.data) + "\n")
    return page


def found(
    tables: SweepTables,
    claims: Sequence[Claim],
    figures: Sequence[Figure] = (),
) -> Findings:
    """What a page is made from: the tables with the decided claims; arguments as of `write`."""
    return Findings(tables, list(zip(claims, decide_all(claims, tables), strict=True)), figures)


def write_live(tables: SweepTables, folder: Path, standing: str) -> Page:
    """Write the page of a sweep that still trains, without claims, and nothing beside it; `standing`: how far it is.

    The browser loads it again every few seconds.
    """
    made = view(found(tables, ()))
    make(folder)
    name = stem(tables.name, folder)
    page = Page(folder / f"{name}.html", folder / f"{name}.json", folder / name)
    files.write(page.html, html(made, live=standing))
    return page


def html(made: View, live: str = "") -> str:
    """The page as one text; `live` says how far a sweep has come that still trains."""
    return render("sweep", made.shown | {"data": Markup(page_data.text(made.embedded)), "live": live})
