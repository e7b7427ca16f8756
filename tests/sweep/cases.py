"""Small configurations for the tests of the sweep room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from workbench.config import RunConfig, run_config
from workbench.engine.training.ending import digest
from workbench.sweep.execution.executor import ExecutionContext
from workbench.sweep.execution.messages import Message, PackDone
from workbench.sweep.execution.outcome import PackOutcome
from workbench.sweep.execution.pack_training import run_to_end, train_pack
from workbench.sweep.instruments import Measured, Trained
from workbench.sweep.planning.packs import PlannedPack

SMALL: dict[str, Any] = {
    "device": "cpu",
    "data": {"name": "blobs", "examples": 120},
    "network": {"depth": 1, "width": 4},
    "training": {"epochs": 2, "batch_size": 16},
}


def small(**changes: Any) -> RunConfig:
    """A run of a second's fraction. `changes` are sections (dicts of settings) or top-level settings."""
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in SMALL.items()}
    for key, value in changes.items():
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    return run_config(values)


def outcome_after(planned: PlannedPack, context: ExecutionContext) -> PackOutcome:
    """A pack trained to its end."""
    return run_to_end(train_pack(planned, context), lambda _: None)


def outcomes(messages: Iterable[Message]) -> list[PackOutcome]:
    """What packs came to, of all that an executor reports."""
    return [message.outcome for message in messages if isinstance(message, PackDone) and message.outcome]


class Ruler:
    """Instruments that say what they were shown."""

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def measure(self, config: RunConfig) -> Measured:
        if config.seed == 1:
            raise ValueError("broken\nruler")
        return Measured({"seed_found": config.seed}, {"marks": {"place": np.arange(config.seed + 1)}})

    def analyse(self, names: str, trained: Trained) -> Measured:
        assert trained.pack.runs == len(trained.data.scale) == 1
        seen = int(digest(trained.weights.final[0]), 16) % 10**9
        return Measured({"analyses": len(names.split("+")), "seen": seen}, {"seen": {"value": np.array([seen])}})

    def is_timing(self, name: str) -> bool:
        return name == "a timing"

    def versions(self, decided: Mapping[str, Any]) -> list[int]:
        return [self.version] if "analyses" in decided or "measure" in decided else []
