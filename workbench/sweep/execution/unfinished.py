"""A pack in training: how far it has come, which is what a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass
from time import time

from workbench.engine.training.epoch import RunEnd, State
from workbench.sweep.execution.history import History
from workbench.sweep.instruments import Measured
from workbench.sweep.planning.packs import PlannedPack


@dataclass
class Unfinished:
    """The progress of a pack: the state to continue from (None: from the start), its history and its ended runs.

    `analysed` holds the results of the analyses of ended runs. `started` is when the pack began and `written` when its
    last checkpoint was, in unix seconds of the machine that trained it (0: it was not read from one); `seconds` is its
    training time, without pauses; `processors` are those that trained it, in order.
    """

    state: State | None
    history: History
    ends: list[RunEnd | None]
    analysed: list[Measured | None]
    started: float = 0.0
    seconds: float = 0.0
    processors: tuple[str, ...] = ()
    written: float = 0.0

    @property
    def epoch(self) -> int:
        """The epoch it has reached."""
        return int(self.state["epoch"]) if self.state else 0


def untouched(planned: PlannedPack) -> Unfinished:
    """A pack that has not begun."""
    runs = planned.pack.runs
    return Unfinished(None, History(planned.fingerprints), [None] * runs, [None] * runs, time())
