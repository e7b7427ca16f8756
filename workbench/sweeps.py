"""`python -m workbench.sweeps`: what the store holds and what it takes on disk; delete a sweep, take one elsewhere.

    python -m workbench.sweeps                       every sweep: runs, artifacts, database, checkpoints
    python -m workbench.sweeps delete NAME           the sweep with its runs, artifacts, checkpoints and page
    python -m workbench.sweeps export NAME FOLDER    a copy with its page, in a store of its own

The store is the one in the working folder, or the one MLFLOW_TRACKING_URI or --uri names.
"""

from __future__ import annotations

if __name__ == "__main__":  # before anything heavy is imported
    from workbench import entry

    entry.run("workbench.sweeps")

import shutil
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from workbench.app import REPORTS, sweeps_folder
from workbench.engine.errors import BadInput
from workbench.filenames import folder_of, remove
from workbench.list import Listing, show
from workbench.redaction import Parser, remember
from workbench.sweep.execution.lock import locked
from workbench.sweep.planning.free_memory import in_words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status. Bad input is one line on stderr and status 2."""
    asked = _parsed(arguments)
    remember(asked.uri or "")
    try:
        {"list": _list, "delete": _delete, "export": _export}[asked.what or "list"](asked)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _list(asked: Namespace) -> None:
    from workbench.tracking.housekeeping import folders_of, sizes
    from workbench.tracking.location import is_there

    found = sizes(asked.uri) if is_there(asked.uri) else []
    own = folders_of([size.name for size in found], sweeps_folder(asked.uri))
    rows = [
        (s.name, str(s.sweeps), str(s.runs), in_words(s.artifacts), in_words(s.database), in_words(own.get(s.name, 0)))
        for s in found
    ]
    columns = ("name", "times asked", "runs", "artifacts", "database, about", "checkpoints and log")
    show(Listing("Sweeps in the store", columns, rows))


def _delete(asked: Namespace) -> None:
    from workbench.report.experiments import known_claims
    from workbench.report.page.folder import stem
    from workbench.report.page.index import write_index
    from workbench.tracking.housekeeping import delete, refuse_unknown

    refuse_unknown(asked.name, asked.uri)  # before a folder is made for the lock
    folder = folder_of(sweeps_folder(asked.uri), asked.name)
    with locked(folder, asked.name):
        runs = delete(asked.name, asked.uri)
        remove(folder)
    pages = _pages_of(asked.name)
    for page in pages:
        page.unlink()
    if pages:
        remove(REPORTS / stem(asked.name, REPORTS))  # the figures
        write_index(REPORTS, known_claims())
    print(f"deleted: {asked.name}, {runs} runs")


def _export(asked: Namespace) -> None:
    from workbench.tracking.export import export

    export(asked.name, asked.folder, asked.uri)
    (asked.folder / REPORTS).mkdir()
    for page in _pages_of(asked.name):
        shutil.copyfile(page, asked.folder / REPORTS / page.name)
    print(f"exported: {asked.folder} (its page: {asked.folder / REPORTS}; `mlflow ui` in it shows the runs)")


def _pages_of(name: str) -> list[Path]:
    """The page of a sweep and its data, where they are there."""
    from workbench.report.page.folder import stem

    files = [REPORTS / f"{stem(name, REPORTS)}.{suffix}" for suffix in ("html", "json")]
    return [file for file in files if file.is_file()]


def _parsed(arguments: Sequence[str] | None) -> Namespace:
    parser = Parser(prog="python -m workbench.sweeps", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--uri", help="the store, as MLflow names it (default: the working folder's)")
    commands = parser.add_subparsers(dest="what", metavar="list | delete | export")
    commands.add_parser("list", help="every sweep and what it takes on disk (the default)")
    commands.add_parser("delete", help="take a sweep away").add_argument("name")
    taken = commands.add_parser("export", help="copy a sweep into a folder of its own")
    taken.add_argument("name")
    taken.add_argument("folder", type=Path)
    return parser.parse_args(arguments)
