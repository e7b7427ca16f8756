"""`workbench sweeps`: what the store holds and what it takes on disk; delete, export and import a sweep."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from workbench import output
from workbench.engine.errors import BadInput
from workbench.filenames import folder_of, remove
from workbench.words.parser import Parser

ABOUT = """What the store holds and what it takes on disk; delete a sweep, take one elsewhere.

  workbench sweeps                       every sweep: runs, artifacts, database, checkpoints
  workbench sweeps delete NAME           the sweep with its runs, artifacts, checkpoints and page; asks first
  workbench sweeps export NAME FOLDER    a copy with its page, in a store of its own
  workbench sweeps import NAME FROM      a sweep of another store (its address, or a folder that export made)

The store is the one in the working folder, or the one MLFLOW_TRACKING_URI or --uri names.
"""
EXAMPLES = """
workbench sweeps delete tour --yes
workbench sweeps export tour ../tour --uri sqlite:///elsewhere.db
workbench sweeps import tour ../tour --uri http://127.0.0.1:5000
"""
MOST_NAMED = 3  # missing files that are named
ARGUMENTS = {"list": (), "delete": ("NAME",), "export": ("NAME", "FOLDER"), "import": ("NAME", "FROM")}


def main(arguments: Sequence[str]) -> int:
    """List, delete or export; the exit status. Raises BadInput if that is not possible."""
    asked = _parsed(arguments)
    with output.chosen(json=asked.json, quiet=asked.quiet):
        return {"list": _list, "delete": _delete, "export": _export, "import": _import}[asked.what](asked)


def _list(asked: Namespace) -> int:
    from workbench.app import sweeps_folder
    from workbench.quantities import size, size_if_known
    from workbench.tracking.housekeeping import folders_of, sizes
    from workbench.tracking.location import is_there
    from workbench.words.listing import Listing, show

    found = sizes(asked.uri) if is_there(asked.uri) else []
    own = folders_of([one.name for one in found], sweeps_folder(asked.uri))
    rows = [
        (
            s.name,
            str(s.sweeps),
            str(s.runs),
            size_if_known(s.artifacts),
            size_if_known(s.database),
            size(own.get(s.name, 0)),
        )
        for s in found
    ]
    columns = ("name", "times asked", "runs", "artifacts", "database, about", "checkpoints and log")
    records = [{"name": s.name, "times_asked": s.sweeps, "runs": s.runs, "artifact_bytes": s.artifacts,
                "database_bytes": s.database, "sweep_folder_bytes": own.get(s.name, 0)} for s in found]  # fmt: skip
    if asked.json:
        output.document("sweeps", {"sweeps": records})
    else:
        show(Listing("Sweeps in the store", columns, rows))
    return 0


def _delete(asked: Namespace) -> int:
    from workbench.app import REPORTS, sweeps_folder
    from workbench.quantities import counted
    from workbench.report.experiments import known_claims
    from workbench.report.page.folder import stem
    from workbench.report.page.index import write_index
    from workbench.sweep.execution.lock import locked
    from workbench.tracking.housekeeping import delete, refuse_unknown
    from workbench.tracking.lone_writer import written_alone

    refuse_unknown(asked.name, asked.uri)  # first, because the lock makes a folder
    if not asked.yes:
        _ask(asked)
    folder = folder_of(sweeps_folder(asked.uri), asked.name)
    with locked(folder, asked.name), written_alone(asked.uri):
        runs = delete(asked.name, asked.uri)
        remove(folder)
    pages = _pages_of(asked.name)
    for page in pages:
        page.unlink()
    if pages:
        remove(REPORTS / stem(asked.name, REPORTS))  # the figures
        write_index(REPORTS, known_claims())
    print(output.escaped(f"deleted: {asked.name}, {counted(runs, 'run')}"))
    return 0


def _ask(asked: Namespace) -> None:
    """Say what will go, and go on only after a yes. Raises BadInput if nobody can be asked, or says no."""
    from workbench.app import REPORTS, sweeps_folder
    from workbench.quantities import counted, size_if_known
    from workbench.report.page.folder import stem
    from workbench.tracking.housekeeping import sizes

    held = next((one for one in sizes(asked.uri) if one.name == asked.name), None)
    lines = [asked.name]
    if held:
        lines = [f"{asked.name}: {counted(held.runs, 'run')}, size of artifacts: {size_if_known(held.artifacts)}"]
    folder = folder_of(sweeps_folder(asked.uri), asked.name)
    lines += [f"  {folder}/"] if folder.is_dir() else []
    lines += [f"  {file}" for file in _pages_of(asked.name)]
    figures = REPORTS / stem(asked.name, REPORTS)
    lines += [f"  {figures}/"] if figures.is_dir() else []
    if not sys.stdin.isatty():
        raise BadInput(f"delete: would take away {'; '.join(line.strip() for line in lines)}; type --yes as well")
    print("\n".join(["this will go:", *lines]), file=sys.stderr)
    if _typed("delete it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise BadInput("delete: nothing was deleted")


def _typed(question: str) -> str:
    """The answer to a question; "" if the input ends there (Ctrl-D), or Ctrl-C is pressed."""
    try:
        return input(question)
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)  # what follows is not to stand behind the question
        return ""


def _export(asked: Namespace) -> int:
    """1 if something of the sweep is gone from the store; the rest is copied."""
    from workbench.app import REPORTS
    from workbench.quantities import counted
    from workbench.sweep.execution.log import warn
    from workbench.tracking.export import export

    missing = export(asked.name, asked.folder, asked.uri)
    (asked.folder / REPORTS).mkdir()
    for page in _pages_of(asked.name):
        shutil.copyfile(page, asked.folder / REPORTS / page.name)
    if missing:
        rest = f" and {counted(len(missing) - MOST_NAMED, 'other file')}" if len(missing) > MOST_NAMED else ""
        found = f"{', '.join(missing[:MOST_NAMED])}{rest}"
        warn(output.on_one_line(f"sweep {asked.name!r}: gone from its store, or damaged there: {found}"))
        print(f"exported in part: {asked.folder} (the line above names what is gone or damaged)")
        return 1
    print(f"exported: {asked.folder} (its page: {asked.folder / REPORTS}; `mlflow ui` in it shows the runs)")
    return 0


def _import(asked: Namespace) -> int:
    from workbench.tracking.export import import_sweep

    shown = import_sweep(asked.name, asked.source, asked.uri)
    print(f"imported: {asked.name}, into {shown}")
    return 0


def _pages_of(name: str) -> list[Path]:
    """The page of a sweep and its data, if they are there."""
    from workbench.app import REPORTS
    from workbench.report.page.folder import stem

    files = [REPORTS / f"{stem(name, REPORTS)}.{suffix}" for suffix in ("html", "json")]
    return [file for file in files if file.is_file()]


def _parsed(arguments: Sequence[str]) -> Namespace:
    parser = Parser("sweeps", ABOUT, EXAMPLES, json="with list: one JSON document, docs/command.md")
    parser.add_argument("--uri", help="the store, as MLflow names it (default: the working folder's)")
    parser.add_argument("--yes", "-y", action="store_true", help="with delete: do not ask")
    parser.add_argument(
        "what", nargs="?", metavar="list | delete | export | import", default="list", help="default: list"
    )
    parser.add_argument("given", nargs="*", metavar="NAME", help="the sweep; then the FOLDER, or where it is FROM")
    asked = parser.read(arguments)
    if asked.what not in ARGUMENTS:
        close = get_close_matches(asked.what, ARGUMENTS, n=1)
        allowed = ", ".join(ARGUMENTS)
        parser.error(f"found {asked.what}; {f'did you mean {close[0]}?' if close else f'allowed: {allowed}'}")
    wanted = ARGUMENTS[asked.what]
    if len(asked.given) != len(wanted):
        found = " ".join(asked.given) or "nothing"
        parser.error(f"{asked.what}: found {found}; allowed: {' '.join(wanted) or 'nothing'}")
    if asked.json and wanted:
        parser.error("--json: goes with list")
    return Namespace(
        what=asked.what, uri=asked.uri, json=asked.json, quiet=asked.quiet, yes=asked.yes,
        source="".join(asked.given[1:]),
        **dict(zip(("name", "folder"), (*asked.given[:1], *map(Path, asked.given[1:])), strict=False)),
    )  # fmt: skip
