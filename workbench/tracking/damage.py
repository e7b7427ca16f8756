"""Damaged files of the store: each is reported once, with its sweep and how to repair it. Other sweeps are not
affected.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from workbench.sweep.execution.log import warn
from workbench.tracking import names

if TYPE_CHECKING:
    from mlflow.entities import Run

    from workbench.tracking.connection import Connection

_REPORTED: set[tuple[str, str, str]] = set()


def report_damage(connection: Connection, parent: Run, what: str) -> None:
    """Report once in this process what is wrong with an artifact of a sweep."""
    key = (connection.location.uri, parent.info.run_id, what)
    if key in _REPORTED:
        return
    _REPORTED.add(key)
    name = " ".join(parent.data.tags.get(names.SWEEP, "?").split())
    warn(
        f"sweep {name!r} in {connection.location.shown}, run {parent.info.run_id}: {what}; other sweeps go on. "
        f"Its own command mends it; workbench sweeps delete {shlex.quote(name)} takes it away"
    )
