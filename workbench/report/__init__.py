"""The report: statistics, claims and their verdicts, figures, and one self-contained page a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.report.tidy import Sweep


def load(name: str, uri: str | None = None) -> Sweep:
    """The latest sweep called `name` as tidy tables: `runs`, `histories`, `probes` (columns: `tidy.Sweep`).

    `uri` is a store as in tracking.uri (default: the environment's, else mlflow.db here). Raises BadInput if it
    cannot be read or holds no such sweep.
    """
    from workbench.report import tidy

    return tidy.load(name, uri)
