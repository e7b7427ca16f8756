"""Pages from the store alone: what `workbench report` and notebooks ask for. Nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.engine.errors import BadInput
from workbench.report.page.folder import REPORTS
from workbench.sweep.execution.log import warn

if TYPE_CHECKING:
    from workbench.report.experiments import Experiment
    from workbench.report.page.sweep import Page
    from workbench.tracking.read import SweepTables


def rebuild(
    names: Sequence[str] = (), uri: str | None = None, folder: Path = REPORTS, formats: Sequence[str] = ()
) -> list[Page]:
    """Write the pages of these sweeps (default: of all sweeps in the store), and the index, into `folder`.

    `uri` as for training (default: the environment's, else mlflow.db here); `formats` are those of the figures' files.
    Raises BadInput if the store cannot be read, or holds no sweep of a name.
    """
    from workbench.report.experiments import known_claims
    from workbench.report.page.index import write_index
    from workbench.report.page.sweep import write
    from workbench.tracking.read import load

    pages = []
    for name in names or sweep_names(uri):
        tables = load(name, uri)
        experiment = experiment_of_tables(tables)
        pages.append(write(tables, experiment.claims, folder, figures=experiment.figures, formats=formats))
    write_index(folder, known_claims())
    return pages


def experiment_of_tables(tables: SweepTables) -> Experiment:
    """The experiment of a sweep. A broken file costs only its own claims and figures, not the page."""
    from workbench.report.experiments import Experiment, experiment_of

    try:
        return experiment_of(tables.facts.get("sweep_file") or tables.name)
    except BadInput as error:
        warn(f"{error}; its page has no claims")
        return Experiment()


def comparison(first: str, second: str, uri: str | None = None, folder: Path = REPORTS) -> Path:
    """Write the page that compares two sweeps (NAME, or NAME~1 for the one before), and return its path. Raises
    BadInput.
    """
    from workbench.report.page.comparison_page import write_comparison
    from workbench.tracking.read import load

    return write_comparison(load(first, uri), load(second, uri), folder, (first, second))


def sweep_names(uri: str | None = None) -> list[str]:
    """The names of all sweeps that have a page, the oldest first. The batches of a search have none: the search's page
    shows them.

    Raises BadInput if the store has no sweep.
    """
    from workbench.tracking.location import is_there, locate
    from workbench.tracking.read import sweeps

    if not is_there(uri):
        raise BadInput(f"tracking.uri: there is no store {locate(uri).shown} yet; a sweep makes it")
    held = sweeps(uri)
    found = list(dict.fromkeys(held["name"][held["part_of"] == ""]))
    if not found:
        raise BadInput(f"the store {locate(uri).shown} holds no sweep yet, so there is nothing to report")
    return found
