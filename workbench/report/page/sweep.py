"""The page of a sweep: one self-contained HTML file, and its data beside it as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from workbench.report.page.view import view
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
    others: Mapping[str, float] | None = None,
    figures: Sequence[Figure] = (),
    formats: Sequence[str] = (),
) -> Page:
    """Write the page of a sweep as `<folder>/<name>.html` and its data as `<name>.json`; equal tables give equal bytes.

    `others` are p values, by claim, of the same Holm family on other pages (default: none known; see `decide_all`).
    `figures` are the experiment's own, shown below its claims; `formats` those of the figures' files (default: the SVGs
    of the page; see `write_figures`). A name that no file can have is changed (`stem`). Raises
    BadInput if the sweep has no cell.
    """
    if not len(tables.runs):
        raise BadInput(f"sweep {tables.name} has no cell, so there is nothing to report")
    judged = list(zip(claims, decide_all(claims, tables, others), strict=True))
    made = view(Findings(tables, judged, figures))
    make(folder)
    name = stem(tables.name, folder)
    page = Page(folder / f"{name}.html", folder / f"{name}.json", write_figures(made, folder / name, formats))
    files.write(page.html, render("sweep", made.shown | {"data": Markup(page_data.text(made.embedded))}))
    files.write(page.json, page_data.text(made.data) + "\n")
    return page
