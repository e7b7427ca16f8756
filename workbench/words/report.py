"""`workbench report [NAME ...]`: pages and the index again, from the store alone."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import output
from workbench.engine.errors import BadInput
from workbench.report.page.folder import REPORTS
from workbench.sweep.execution.log import say
from workbench.words.parser import Parser

if TYPE_CHECKING:
    from workbench.report.page.sweep import Page

ABOUT = """Write pages and the index again, from the store alone.

Nothing is trained, and no code that came with the store is run: only your own rules, measures and claims in the working
folder.
"""
EXAMPLES = """
workbench report                         the pages of all sweeps in the store, and the index
workbench report tour --figures png,csv  the page of one sweep, its figures for slides, and the tables behind them
workbench report tour --follow           its page while it trains: it renews itself until the sweep has ended
"""


def main(arguments: Sequence[str]) -> int:
    """Write the pages and print each file; the exit status. Raises BadInput if that is not possible."""
    asked = _parser().read(arguments)
    with output.chosen(json=asked.json, quiet=asked.quiet):
        from workbench.measure.own_rows import bring_own_rows

        bring_own_rows()  # pages show what they bring: metrics, settings, units
        try:
            written = _compared(asked) if asked.compare else _followed(asked) if asked.follow else _rebuilt(asked)
        except OSError as error:  # the disk is full, or a page's path is taken by something else
            raise BadInput(f"{error.filename or asked.folder} cannot be written ({error.strerror})") from error
        output.show("report", "\n".join(map(str, written.files)), written.document)
    if asked.open:
        _open(written.files[-1])
    return 0


@dataclass(frozen=True)
class Written:
    """What was written: pages by the name of their sweep, the index, and a comparison."""

    pages: Sequence[tuple[str, Page]] = ()
    index: Path | None = None
    comparison: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The files, the one to open last: a single page, else the index or the comparison."""
        pages = [page.html for _, page in self.pages]
        others = [path for path in (self.index, self.comparison) if path]
        return [*others, *pages] if len(pages) == 1 else [*pages, *others]

    def document(self) -> dict[str, object]:
        """The same as JSON data."""
        return {
            "pages": [{"sweep": name, "page": str(page.html), "data": str(page.json)} for name, page in self.pages],
            "index": str(self.index) if self.index else None,
            "comparison": str(self.comparison) if self.comparison else None,
        }


def _compared(asked: Namespace) -> Written:
    from workbench.report.rebuild import comparison

    first, second = asked.compare
    return Written(comparison=comparison(first, second, asked.uri, asked.folder))


def _followed(asked: Namespace) -> Written:
    from workbench.report import live

    if len(asked.names) != 1 or asked.figures:
        raise BadInput("--follow: goes with the name of one sweep, and without --figures")
    shown: list[Path] = []

    def on_page(page: Path, standing: live.Standing) -> None:
        say(f"{page}: {standing}")
        if asked.open and not shown:
            _open(page)
        shown.append(page)

    if live.is_kept_by_its_sweep():
        live.at_the_lowest_priority()
    page = live.follow(asked.names[0], asked.uri, asked.folder, on_page=on_page)
    asked.open = False
    return Written([(asked.names[0], page)], asked.folder / "index.html")


def _open(page: Path) -> None:
    import webbrowser

    webbrowser.open(page.resolve().as_uri())


def _rebuilt(asked: Namespace) -> Written:
    from workbench.report.page.figure_files import formats_of
    from workbench.report.rebuild import rebuild, sweep_names

    names = asked.names or sweep_names(asked.uri)
    pages = rebuild(names, asked.uri, asked.folder, formats_of(asked.figures))
    return Written(list(zip(names, pages, strict=True)), asked.folder / "index.html")


def _parser() -> Parser:
    parser = Parser("report", ABOUT, EXAMPLES, json="print the files written as one JSON document: docs/command.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help="sweeps (default: all that the store holds)")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A", "B"),
        help="two sweeps side by side; NAME~1 is the sweep of that name before the latest, and so on",
    )  # fmt: skip
    parser.add_argument(
        "--follow", action="store_true", help="keep the page of a sweep that trains up to date, until it has ended"
    )
    parser.add_argument("--uri", help="the store, as in tracking.uri: sqlite:///FILE, or a server's http address")
    parser.add_argument("--folder", type=Path, default=REPORTS, help=f"where pages go (default: {REPORTS})")
    parser.add_argument(
        "--figures", default="", metavar="KINDS",
        help="write the figures with title and legend, and tables: any of svg,png,pdf,csv,tex (default: plain SVG)",
    )  # fmt: skip
    parser.add_argument("--open", action="store_true", help="show the page in the browser; of several, the index")
    return parser
