"""One cell of a sweep's design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.config import RunConfig, Unread
from workbench.config.setting import Value

if TYPE_CHECKING:
    from workbench.sweep.gone_on_from import Origin


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep's design.

    `overrides` are this job's overrides as typed, without secrets; `factors` the swept keys with their values here,
    only those that vary over the sweep (a config group under its own name); `choices` the config groups chosen; `typed`
    the settings and groups that the overrides name; `unread` the settings and groups that this cell does not read;
    `origin` is the stored run that it goes on from.
    """

    index: int
    overrides: tuple[str, ...]
    factors: dict[str, Value]
    config: RunConfig
    choices: dict[str, str]
    typed: tuple[str, ...] = ()
    unread: Mapping[str, Unread] = field(default_factory=dict, repr=False)
    origin: Origin | None = field(default=None, repr=False, compare=False)
