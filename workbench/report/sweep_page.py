"""The page written at the end of a sweep, with the claims of its sweep file."""

from __future__ import annotations

import traceback
from pathlib import Path

from workbench import places
from workbench.engine.errors import BadInput
from workbench.report.experiment_files import declares_itself
from workbench.report.experiments import Experiment, experiment_of, known_claims
from workbench.report.page.folder import REPORTS
from workbench.report.page.index import write_index
from workbench.report.page.sweep import Page, write
from workbench.report.pages_beside import promised, unwritten
from workbench.sweep.execution.log import note, say, warn
from workbench.sweep.store import Store
from workbench.tracking.read import load


def experiment_of_sweep(sweep: str | None, name: str) -> Experiment:
    """The claims and figures of a sweep file. A file that merely has the name of this sweep may be anything."""
    try:
        if sweep and (file := places.find("experiments", f"{sweep}.py")) and not declares_itself(file):
            say(f"experiments/{sweep}.py is not run: a file of claims sets CLAIMS and imports from workbench")
        return experiment_of(sweep or name)
    except BadInput as error:
        if sweep:
            raise
        say(f"{error}; the page has no claims")
        return Experiment()


def write_report(name: str, experiment: Experiment, uri: str | None = None, folder: Path = REPORTS) -> Page:
    """Write the page of a sweep, and the index, from what the store holds. Nothing is trained."""
    page = write(load(name, uri), experiment.claims, folder, figures=experiment.figures)
    write_index(folder, known_claims())
    return page


def close(store: Store, outcome: str, name: str, experiment: Experiment | None, uri: str | None) -> list[Page] | None:
    """Close a sweep in its store and write its page, or have it written (`pages_beside`); without a page if
    `experiment` is None.

    An error here affects no run, so it is reported and the result is None.
    """
    try:
        store.end(outcome)
        if experiment is None:
            return []
        if page := promised(store, name, uri):
            return [page]
        page = write_report(name, experiment, uri)
        store.attach(page.files)
    except Exception as error:
        warn(unwritten(error))
        note(traceback.format_exc())
        return None
    return [page]
