"""The families of choices, and the table of each.

A table is registry, list of choices and list of test cases at once, so names are not repeated here. Tables are read
only when they are needed, so that `--help` does not load the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Literal, Protocol, overload

from workbench.persons_code import MEASURE_FILES, RULE_FILES

FAMILIES: dict[str, str] = {
    "activations": "workbench.engine.rules.activations:ACTIVATIONS",
    "networks": "workbench.engine.training.architecture:NETWORKS",
    "losses": "workbench.engine.rules.losses:LOSSES",
    "initializers": "workbench.engine.rules.initializers:INITIALIZERS",
    "optimizers": "workbench.engine.rules.optimizers:OPTIMIZERS",
    "schedules": "workbench.engine.rules.schedules:SCHEDULES",
    "penalties": "workbench.engine.rules.penalties:PENALTIES",
    "probes": "workbench.engine.rules.probes:PROBES",
    "kernels": "workbench.engine.kernels.choice:KERNELS",
    "precisions": "workbench.engine.kernels.cuda.cublas:PRECISIONS",
    "datasets": "workbench.data:DATASETS",
    "scalings": "workbench.data:SCALINGS",
    "measurements": "workbench.measure:MEASUREMENTS",
    "analyses": "workbench.measure:ANALYSES",
    "executors": "workbench.sweep.execution.executors:EXECUTORS",
}


class Row(Protocol):
    """What the rows of every table have: a line of words."""

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        ...


class NetworkRow(Row, Protocol):
    """What the schema reads of a row of `NETWORKS`."""

    @property
    def of_images(self) -> bool:
        """Whether it reads images."""
        ...


class MeasurementRow(Row, Protocol):
    """What the schema reads of a row of `MEASUREMENTS`."""

    @property
    def takes(self) -> tuple[str, ...]:
        """The settings that it reads."""
        ...

    @property
    def dense_only(self) -> bool:
        """Whether it can measure only fully connected networks."""
        ...


class AnalysisRow(Row, Protocol):
    """What the schema reads of a row of `ANALYSES`."""

    @property
    def dense_only(self) -> bool:
        """Whether it can analyse only fully connected networks."""
        ...

    @property
    def images_only(self) -> bool:
        """Whether it can analyse only networks of images."""
        ...


@overload
def table(family: Literal["networks"]) -> Mapping[str, NetworkRow]: ...
@overload
def table(family: Literal["measurements"]) -> Mapping[str, MeasurementRow]: ...
@overload
def table(family: Literal["analyses"]) -> Mapping[str, AnalysisRow]: ...
@overload
def table(family: str) -> Mapping[str, Row]: ...
def table(family: str) -> Mapping[str, Row]:
    """The table of a family: name -> row. A row has a one-line `summary`."""
    module, name = _place(family)
    rows: Mapping[str, Row] = getattr(module, name)
    return rows


@cache
def _place(family: str) -> tuple[ModuleType, str]:
    """The module that holds the table of a family, and its name there."""
    module, name = FAMILIES[family].split(":")
    return import_module(module), name


@dataclass(frozen=True)
class Choices:
    """The values a setting may take: the names in a family's table, after some further ones."""

    family: str
    further: tuple[str, ...] = ()

    def left_out(self) -> str:
        """A person's files that could not be used, in brackets, if they may hold rows for the table; else ""."""
        place = FAMILIES[self.family]
        if place.startswith("workbench.engine.rules."):
            return RULE_FILES.in_brackets()
        return MEASURE_FILES.in_brackets() if place.startswith("workbench.measure:") else ""

    def names(self) -> tuple[str, ...]:
        """All allowed values, in the order in which they are listed to a person."""
        return (*self.further, *table(self.family))
