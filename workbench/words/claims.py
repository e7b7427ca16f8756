"""`workbench claims`: the claims of a store as one file to archive, and whether a store agrees with such a file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from workbench import output
from workbench.words.parser import Parser

ABOUT = """Export the claims of a store as one file to archive, or verify such a file against a store.

  workbench claims export FILE [NAME ...]   plans, questions with their digests, attempts and verdicts
  workbench claims verify FILE              how the store differs from the file; the exit status is 1 if it does

The store is the one in the working folder, or the one MLFLOW_TRACKING_URI or --uri names. Nothing is trained.
"""
EXAMPLES = """
workbench claims export claims.json
workbench claims export dropout.json dropout
workbench claims verify claims.json --uri sqlite:///elsewhere.db
"""
EXIT_DIFFERS = 1


def main(arguments: Sequence[str]) -> int:
    """Export or verify; the exit status. Raises BadInput if that is not possible."""
    asked = _parsed(arguments)
    with output.chosen(json=asked.json, quiet=asked.quiet):
        from workbench.measure.own_rows import bring_own_rows

        bring_own_rows()
        return {"export": _export, "verify": _verify}[asked.what](asked)


def _export(asked: Namespace) -> int:
    from workbench.report.claim_archive import archive, write

    found = archive(asked.uri, asked.names)
    write(found, asked.file)
    claims = sum(len(sweep["claims"]) for sweep in found["sweeps"])
    text = f"exported: {asked.file}, {claims} claims of {len(found['sweeps'])} sweeps, digest {found['digest']}"
    output.show("claims", text, lambda: {"file": str(asked.file), "digest": found["digest"], "claims": claims})
    return 0


def _verify(asked: Namespace) -> int:
    from workbench.report.claim_archive import differences, read

    lines = differences(read(asked.file), asked.uri)
    text = "\n".join(lines) or f"verified: the store agrees with all of {asked.file}"
    output.show("claims", text, lambda: {"file": str(asked.file), "differences": lines})
    return EXIT_DIFFERS if lines else 0


def _parsed(arguments: Sequence[str]) -> Namespace:
    parser = Parser("claims", ABOUT, EXAMPLES, json="the same as one JSON document: docs/command.md")
    parser.add_argument("--uri", help="the store, as MLflow names it (default: the working folder's)")
    parser.add_argument("what", metavar="export | verify", choices=("export", "verify"))
    parser.add_argument("file", metavar="FILE", type=Path, help="the archive")
    parser.add_argument("names", nargs="*", metavar="NAME", help="with export: sweeps (default: all that have claims)")
    asked = parser.read(arguments)
    if asked.what == "verify" and asked.names:
        parser.error(f"verify: found {' '.join(asked.names)}; allowed: one FILE")
    return asked
