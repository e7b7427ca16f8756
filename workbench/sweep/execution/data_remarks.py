"""Remarks on the data of a sweep before it trains: numbers that rounding makes equal, classes that splits lack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.config import DataConfig
from workbench.data import split_sizes
from workbench.data.absent_classes import absent_classes
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


def absent(packs: Iterable[PlannedPack]) -> list[str]:
    """A line for each class that the splits of some seeds lack, see `absent_classes`."""
    seeds: dict[DataConfig, set[int]] = {}
    for pack in packs:
        seeds.setdefault(pack.examples.config, set()).update(pack.pack.columns["seed"].tolist())
    lines = [line for config, mine in seeds.items() for line in _absent(config, sorted(mine))]
    return list(dict.fromkeys(lines))


def _absent(config: DataConfig, seeds: Sequence[int]) -> list[str]:
    held = dataset(config)
    sizes = split_sizes(held.facts, config.train_size, config.validation, config.test)
    return absent_classes(held, seeds, sizes)
