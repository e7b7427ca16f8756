"""The interface between a sweep and its measurements: those that run as cells, and analyses of the runs it trains.

It consists of plain values and a protocol, so a sweep does not import the measurements themselves. Ours are in
`workbench/measure/`, and `app.py` passes them in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from workbench.config import RunConfig
from workbench.config.setting import Value
from workbench.data import RunData
from workbench.engine.training.epoch import State, Weights
from workbench.engine.training.pack import Pack

Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Measured:
    """What was measured: named numbers, and tables (column -> values, all of one length) for figures."""

    metrics: dict[str, float]
    tables: dict[str, Table] = field(default_factory=dict)

    def __or__(self, other: Measured) -> Measured:
        """The numbers and tables of both."""
        return Measured(self.metrics | other.metrics, self.tables | other.tables)


@dataclass(frozen=True)
class Trained:
    """A run that has ended: its pack of one run, its data, and its weights (see `engine.training.epoch.Weights`).

    `state` gives all that training would go on from, arrays of one run each (None: nobody trained it here).
    """

    pack: Pack
    data: RunData
    weights: Weights
    state: Callable[[], State] | None = None


class Instruments(Protocol):
    """Takes measurements and analyses. `decided` are a run's settings as `identity.numbers` returns them."""

    def measure(self, config: RunConfig) -> Measured:
        """The measurement that `config.measure` names."""
        ...

    def analyse(self, names: str, trained: Trained) -> Measured:
        """The analyses of a trained run, `names` joined by "+"."""
        ...

    def is_timing(self, name: str) -> bool:
        """Whether a measurement takes times. Then it runs alone and is never reused from the store."""
        ...

    def versions(self, decided: Mapping[str, Value]) -> list[int | str]:
        """The versions of the measurement or the analyses of a run. Results of another version are not reused."""
        ...

    def own_among(self, names: str) -> str:
        """Those analyses of `names`, joined by "+", that a person brought: they are tried before anything trains."""
        ...
