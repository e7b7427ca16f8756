"""What a command asks for besides its cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.config import SlurmConfig, TrackingConfig

if TYPE_CHECKING:
    from workbench.sweep.planning.departures import Departures


@dataclass(frozen=True)
class BatchesDone:
    """What one start of a search has trained before its trials become one sweep: their cells from the place `first` on,
    in so many seconds.
    """

    first: int
    seconds: float


@dataclass(frozen=True)
class SweepSettings:
    """What a command asks for besides its cells.

    `name` is the setting, else the stem of the sweep file, else None: such a sweep is named by its digest. `sweep` is
    that stem, or None. `command` repeats the sweep exactly, without secrets. `departures` are the settings that differ
    from the file; `unasked` is how many cells of the file the command leaves out, and how many it has; `file_digest`
    is the digest of these cells. `part_of` is the search of which this is a batch, or "": a batch has no page.
    `batches`: of a search, what this start has trained of it in batches. `remarks` are lines about the settings for the
    person. `live`: the page is kept up to date while it trains.
    """

    name: str | None
    description: str
    sweep: str | None
    command: str
    tracking: TrackingConfig
    reuse: bool
    dry_run: bool
    executor: str
    workers: int | None
    checkpoint_seconds: float
    fail_fast: bool
    slurm: SlurmConfig = field(default_factory=SlurmConfig)
    detach: bool = False
    live: bool = False
    departures: Departures = field(default_factory=dict)
    unasked: tuple[int, int] = (0, 0)
    file_digest: str = ""
    part_of: str = ""
    batches: BatchesDone | None = None
    remarks: tuple[str, ...] = ()

    @property
    def as_the_file_says(self) -> bool:
        """Whether the cells are those of a sweep file, or a part of them."""
        return self.sweep is not None and not self.departures

    @property
    def pages(self) -> bool:
        """Whether there is to be a page."""
        return not self.part_of
