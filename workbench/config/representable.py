"""Checks that the numbers of a run keep their meaning when rounded to the dtype that the engine computes in."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from workbench.config.allowed import allowed, within
from workbench.config.schema import SECTIONS, SETTINGS, RunConfig
from workbench.engine.errors import BadInput
from workbench.engine.layers.dropout import LEVELS
from workbench.engine.training.pack import columns

_DROPOUT_LEVELS = f"dropout's {LEVELS} levels"  # masks round a rate to these, whatever the run's dtype
_SHARES = ("dropout.rate", "dropout.input_rate", "dropout.map_rate", "dropout.channel_rate")


def check_rounding(config: RunConfig) -> None:
    """Raise BadInput if rounding takes a number of a training run out of its range, or turns it into 0.

    In float32 a decay of 0.99999999 is 1, and a learning rate of 1e-50 is 0: neither is the run that was asked for.
    """
    if config.measure == SETTINGS["measure"].default:
        for name in SECTIONS:
            _check(name, getattr(config, name), config.dtype)


@lru_cache(maxsize=4096)
def _check(name: str, section: object, dtype: str) -> None:
    """One section. The cells of a sweep share most of theirs."""
    for key, setting in SETTINGS.items():
        if not key.startswith(f"{name}.") or setting.kind is not float or setting.engine not in columns():
            continue
        value, held_in = getattr(section, key.rpartition(".")[2]), _DROPOUT_LEVELS if key in _SHARES else dtype
        held = value if value is None else _held(value, held_in)
        if held is not None and (not within(setting, held) or (held == 0) != (value == 0)):
            better = "; dtype=float64 may hold it" if held_in == "float32" else ""
            raise BadInput(f"{key} is {value!r}, and {held:g} in {held_in}; allowed: {allowed(setting)}{better}")


def _held(value: float, held_in: str) -> float:
    if held_in == _DROPOUT_LEVELS:
        return float(np.rint(value * LEVELS) / LEVELS)
    with np.errstate(over="ignore", under="ignore"):
        return float(np.dtype(held_in).type(value))
