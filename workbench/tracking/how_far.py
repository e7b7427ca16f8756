"""How far a sweep has come, read from the store without its histories: milliseconds, where its page takes seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

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
    seconds (0: not known); its own runs by outcome, and how many others it took from other sweeps; and how many of its
    own packs have ended, of how many.
    """

    name: str
    ended: int
    runs: int
    running: bool
    facts: Mapping[str, str]
    began: float = 0.0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    reused: int = 0
    packs_ended: int = 0
    packs: int = 0


def how_far(name: str, uri: str | None = None) -> HowFar:
    """How far the latest sweep called `name` has come. Raises BadInput if the store cannot be read or has none."""
    connection = connect_to_read(uri)
    return connection.patiently(lambda: _read(connection, name))


def _read(connection: Connection, name: str) -> HowFar:
    name, found = called(connection, name, parents(connection))
    parent = found[-1]
    columns = standing(connection, parent, (*STANDING, "pack", "origin")).to_pydict()
    outcomes = columns["outcome"]
    own = [
        (pack, outcome)
        for pack, outcome, origin in zip(columns["pack"], outcomes, columns["origin"], strict=True)
        if not origin
    ]
    packs, unfinished = {pack for pack, _ in own}, {pack for pack, outcome in own if outcome == PENDING}
    running = parent.data.tags[names.OUTCOME] == names.RUNNING
    command = parent.data.tags.get(names.SOURCE, "")
    facts = {"command": command, **facts_of(asked_of(connection, parent))}
    return HowFar(
        name, sum(outcome != PENDING for outcome in outcomes), len(outcomes), running, facts,
        seconds(parent.info.start_time), Counter(outcome for _, outcome in own), len(outcomes) - len(own),
        len(packs - unfinished), len(packs),
    )  # fmt: skip
