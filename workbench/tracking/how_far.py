"""How far a sweep has come, read from the store without its histories: milliseconds, where its page takes seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.sweep.run_outcomes import PENDING
from workbench.tracking import names
from workbench.tracking.connection import Connection, connect_to_read, parents
from workbench.tracking.moments import seconds
from workbench.tracking.parent import asked_of, facts_of
from workbench.tracking.plan_table import STANDING, standing
from workbench.tracking.read import called


@dataclass(frozen=True)
class HowFar:
    """How many runs of the sweep `name` have ended, of how many; whether it still trains; its facts; its start in unix
    seconds (0: not known).
    """

    name: str
    ended: int
    runs: int
    running: bool
    facts: Mapping[str, str]
    began: float = 0.0


def how_far(name: str, uri: str | None = None) -> HowFar:
    """How far the latest sweep called `name` has come. Raises BadInput if the store cannot be read or has none."""
    connection = connect_to_read(uri)
    return connection.patiently(lambda: _read(connection, name))


def _read(connection: Connection, name: str) -> HowFar:
    name, found = called(connection, name, parents(connection))
    parent = found[-1]
    outcomes = standing(connection, parent, STANDING)["outcome"].to_pylist()
    running = parent.data.tags[names.OUTCOME] == names.RUNNING
    command = parent.data.tags.get(names.SOURCE, "")
    facts = {"command": command, **facts_of(asked_of(connection, parent))}
    ended = sum(outcome != PENDING for outcome in outcomes)
    return HowFar(name, ended, len(outcomes), running, facts, seconds(parent.info.start_time))
