"""`python -m workbench.report [NAME...]`: pages and the index again, from the store alone."""

from __future__ import annotations

if __name__ == "__main__":  # before anything heavy is imported
    from workbench import entry

    entry.run("workbench.report.__main__")

import sys
import webbrowser
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from workbench.engine.errors import BadInput
from workbench.redaction import Parser
from workbench.report.rebuild import REPORTS, comparison, rebuild


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what was asked for and print each file; the exit status: 0, or 2 for bad input, told in one line."""
    asked = _parser().parse_args(arguments)
    try:
        files = _written(asked)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # the folder is full, or something else stands where a page is to be
        print(f"{error.filename or asked.folder} cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    for file in files:
        print(file)
    if asked.open:
        webbrowser.open(files[-1].resolve().as_uri())
    return 0


def _written(asked: Namespace) -> list[Path]:
    """The files, the one to open last: the page where there is one, else the index."""
    if asked.compare:
        first, second = asked.compare
        return [comparison(first, second, asked.uri, asked.folder)]
    pages = rebuild(asked.names, asked.uri, asked.folder)
    index = asked.folder / "index.html"
    return [index, pages[0].html] if len(pages) == 1 else [*(page.html for page in pages), index]


def _parser() -> Parser:
    parser = Parser(prog="python -m workbench.report", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="sweeps; all that the store holds where none is named")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A", "B"),
        help="two sweeps side by side; NAME~1 is the sweep of that name before the latest, and so on",
    )  # fmt: skip
    parser.add_argument("--uri", help="the store, as in tracking.uri: sqlite:///FILE, or a server's http address")
    parser.add_argument("--folder", type=Path, default=REPORTS, help=f"where pages go (default: {REPORTS})")
    parser.add_argument("--open", action="store_true", help="show the page in the browser; of several, the index")
    return parser
