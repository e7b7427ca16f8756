"""The interface between a sweep and its store: the records, and the protocol that takes them.

Records are plain values, so a sweep does not depend on the store itself (ours is `workbench/tracking/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from workbench.config.setting import Value
from workbench.engine.training.epoch import EPOCH_METRICS
from workbench.sweep.run_outcomes import PENDING

EPOCH_COLUMNS = ("fingerprint", "epoch", *EPOCH_METRICS)
LAYER_COLUMNS = ("fingerprint", "epoch", "layer", "probe", "value")


@dataclass(frozen=True)
class RunRecord:
    """One cell of a sweep, as it stands.

    `fingerprint` is the digest of everything that decides the run's numbers; two cells of a sweep may share it.
    `overrides` are the cell's overrides as typed, `factors` the swept keys with this cell's values, `params` every
    field that decides numbers under its dotted key. `metrics` are summaries by name (NaN and infinity allowed).
    `outcome` is one of OUTCOMES; `reason` is "" or one line (why it failed, at which epoch it diverged). `started`
    and `ended` are unix seconds (0: not yet). `origin` is "" or the run id of the store this cell is reused from.
    `processor` is the one that trained it, with the width of its vectors ("": not known).
    """

    cell: int
    name: str
    fingerprint: str
    pack: str = ""
    overrides: tuple[str, ...] = ()
    factors: dict[str, Value] = field(default_factory=dict)
    params: dict[str, Value] = field(default_factory=dict)
    outcome: str = PENDING
    reason: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    weights_digest: str = ""
    started: float = 0.0
    ended: float = 0.0
    origin: str = ""
    processor: str = ""


@dataclass(frozen=True)
class PackResult:
    """The result of one pack: its runs and their histories as two long tables (column name -> array of rows).

    `pack` names the pack; packs of other runs must have other names. `epochs` has EPOCH_COLUMNS (epoch 0 is the
    untrained network), `layers` has LAYER_COLUMNS (layer 1 is the first; its count is depth + 1). A fingerprint that
    several cells share has its rows once; its cells may all stand in `runs`, or one of them for all. `tables` are what
    measurements and analyses left for figures, by name: a column `fingerprint` and columns of their own.
    """

    pack: str
    runs: list[RunRecord]
    epochs: dict[str, np.ndarray]
    layers: dict[str, np.ndarray]
    tables: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepRecord:
    """A sweep before training.

    `digest` stands for the cells' fingerprints in their order: a sweep with the same name and digest is continued.
    `cells` are pending, or finished/diverged elsewhere with their `origin`. `facts` are strings about where the numbers
    come from (commit, dirty, versions, device ...; "description" is shown first). `rules` is the canonical JSON of its
    claims' rules, "" without claims; of the same sweep the first ones stored are kept. `fresh` begins anew although the
    store holds this very sweep.
    """

    name: str
    digest: str
    command: str
    factors: tuple[str, ...]
    cells: list[RunRecord]
    facts: dict[str, str] = field(default_factory=dict)
    rules: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class Held:
    """A run that a store holds as finished or diverged; `part_of`: the search of which its sweep is a batch, or ""."""

    run_id: str
    outcome: str
    part_of: str = ""


@dataclass(frozen=True)
class Verified:
    """Fingerprints of runs held, reused or recorded since a start: those the store still holds, and those it lacks."""

    held: set[str]
    missing: set[str]


@dataclass(frozen=True)
class Earlier:
    """The latest sweep of a name, as a store holds it.

    `packs` are the ordered fingerprints of each of its packs; `fingerprints` are those of all its cells; `facts` are
    about its code, libraries and machine; `started` is in unix seconds.
    """

    digest: str
    started: float
    fingerprints: tuple[str, ...]
    packs: tuple[tuple[str, ...], ...]
    facts: dict[str, str]


class Store(Protocol):
    """Keeps the runs of sweeps. Every method may raise BadInput when the store cannot be reached or is broken."""

    def hold(self, name: str, folder: Path | None = None) -> AbstractContextManager[None]:
        """A context in which no other process trains a sweep of that name into this store. Raises BadInput if one does,
        or if jobs of a cluster do that were submitted from another folder than `folder`, which is the sweep's own.
        Processes that `sweep.lock` already excludes need not be excluded again.
        """
        ...

    def address(self, file: str = "") -> str:
        """Where a browser shows the sweep that was begun, or one of its attached files; "" if no server shows it."""
        ...

    def earlier(self, name: str) -> Earlier | None:
        """The latest sweep of that name, whatever its cells; None if there is none."""
        ...

    def held(self, fingerprints: Sequence[str]) -> dict[str, Held]:
        """Those of the fingerprints that the store holds as finished or diverged, from whichever sweep."""
        ...

    def begin(self, sweep: SweepRecord) -> None:
        """Records the plan before anything is trained, or continues the same sweep where it stopped."""
        ...

    def record(self, result: PackResult) -> None:
        """Records the result of a pack. Recording it again changes nothing."""
        ...

    def verified(self) -> Verified:
        """What was held, reused or recorded since this start, read from the store opened anew. If the store was
        replaced, all of it is missing. Missing results can be recorded again.
        """
        ...

    def end(self, outcome: str) -> None:
        """Closes the sweep: "finished", "failed" (some runs failed) or "interrupted"."""
        ...

    def attach(self, files: Sequence[Path]) -> None:
        """Keeps the report and its figures with the sweep; also after its end."""
        ...
