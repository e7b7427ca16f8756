"""The contracts of a measurement and of an analysis: rows of `MEASUREMENTS` and `ANALYSES`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.config import RunConfig
from workbench.sweep.instruments import Measured, Table, Trained


def tidy(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Rows as a table: column -> values."""
    return {name: np.array([row[place] for row in rows]) for place, name in enumerate(columns)}


@dataclass(frozen=True)
class Measurement:
    """One row of `MEASUREMENTS`: a cell of a sweep that trains nothing.

    `takes` names the settings it reads (a section such as "network" stands for all of its keys), `returns` the metrics
    it gives. A `timing` runs alone and is never reused from the store. Raise `version` whenever the numbers change, so
    that no stored result is taken for a new one.
    """

    summary: str
    takes: tuple[str, ...]
    returns: tuple[str, ...]
    measure: Callable[[RunConfig], Measured]
    timing: bool = False
    version: int = 1

    @property
    def dense_only(self) -> bool:
        """Whether it needs a fully connected network: so does every measurement that builds a network."""
        return any(key.partition(".")[0] == "network" for key in self.takes)


@dataclass(frozen=True)
class Analysis:
    """One row of `ANALYSES`: what is measured of a run when its training ends, while its weights are in memory.

    `dense_only`: it needs a fully connected network; `images_only`: it needs a network of images.
    """

    summary: str
    returns: tuple[str, ...]
    analyse: Callable[[Trained], Measured]
    version: int = 1
    dense_only: bool = False
    images_only: bool = False
