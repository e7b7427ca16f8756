"""Small configurations for the tests of the sweep room."""

from __future__ import annotations

from typing import Any

from workbench.config import RunConfig, run_config

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
