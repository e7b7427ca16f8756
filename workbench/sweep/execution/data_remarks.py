"""Remarks on the data of a sweep before it trains: different numbers that rounding makes equal."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.data.rounding import hidden_by_rounding
from workbench.sweep.execution.pack_training import dataset
from workbench.sweep.planning.packs import PlannedPack


def hidden(packs: Iterable[PlannedPack]) -> list[str]:
    """A line for each way in which rounding merges values in the data of these packs. Raises BadInput if data cannot be
    read.
    """
    asked = {
        (pack.examples.config, str(scaling), pack.pack.dtype) for pack in packs for scaling in pack.examples.scaling
    }
    lines = [
        line for config, scaling, dtype in sorted(asked, key=repr)
        for line in hidden_by_rounding(dataset(config), scaling, dtype)
    ]  # fmt: skip
    return list(dict.fromkeys(lines))
