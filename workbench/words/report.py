"""`workbench report [NAME ...]`: pages and the index again, from the store alone."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from workbench import output
from workbench.engine.errors import BadInput
from workbench.words.parser import Parser

REPORTS = Path("reports")
ABOUT = """Write pages and the index again, from the store alone.

Nothing is trained, and no code that came with the store is run.
"""
EXAMPLES = """
workbench report                       the pages of all sweeps in the store, and the index
workbench report tour --open           the page of one sweep, shown in the browser
workbench report --compare tour tour~1  a sweep beside the one of that name before it
"""


def main(arguments: Sequence[str]) -> int:
    """Write what was asked for and print each file; the exit status. Raises BadInput if that is not possible."""
    asked = _parser().read(arguments)
    try:
        with output.chosen(quiet=asked.quiet):
            files = _written(asked)
    except OSError as error:  # the folder is full, or something else stands where a page is to be
        raise BadInput(f"{error.filename or asked.folder} cannot be written ({error.strerror})") from error
    for file in files:
        print(file)
    if asked.open:
        import webbrowser

        webbrowser.open(files[-1].resolve().as_uri())
    return 0


def _written(asked: Namespace) -> list[Path]:
    """The files, the one to open last: the page where there is one, else the index."""
    from workbench.report.rebuild import comparison, rebuild

    if asked.compare:
        first, second = asked.compare
        return [comparison(first, second, asked.uri, asked.folder)]
    pages = rebuild(asked.names, asked.uri, asked.folder)
    index = asked.folder / "index.html"
    return [index, pages[0].html] if len(pages) == 1 else [*(page.html for page in pages), index]


def _parser() -> Parser:
    parser = Parser("report", ABOUT, EXAMPLES)
    parser.add_argument("names", nargs="*", metavar="NAME", help="sweeps; all that the store holds where none is named")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A", "B"),
        help="two sweeps side by side; NAME~1 is the sweep of that name before the latest, and so on",
    )  # fmt: skip
    parser.add_argument("--uri", help="the store, as in tracking.uri: sqlite:///FILE, or a server's http address")
    parser.add_argument("--folder", type=Path, default=REPORTS, help=f"where pages go (default: {REPORTS})")
    parser.add_argument("--open", action="store_true", help="show the page in the browser; of several, the index")
    return parser
