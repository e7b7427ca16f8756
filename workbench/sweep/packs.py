"""From runs to packs: runs that share every static setting train together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.config import SETTINGS, DataConfig, RunConfig
from workbench.data import describe, split_sizes
from workbench.engine.losses import LOSSES
from workbench.engine.pack import COLUMNS, Pack
from workbench.engine.parameters import Architecture
from workbench.engine.sizes import memory_per_run
from workbench.sweep.identity import engine_pack, joint_digest

LARGEST_PACK = 256  # runs: what one interruption can cost on a CPU; larger ones save nothing there


@dataclass(frozen=True)
class Run:
    """One run to be trained.

    Its fingerprint, its settings as composed, and all that decides its numbers (see `identity.numbers`).
    """

    fingerprint: str
    config: RunConfig
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Examples:
    """Which data the runs of a pack read: arguments of `data.prepare`."""

    config: DataConfig
    label_noise: np.ndarray
    scaling: tuple[str, ...]


@dataclass(frozen=True)
class PlannedPack:
    """A pack to be trained: a plain value that can be sent anywhere.

    `analyses` are those of each run, "" for none. `memory` is what it is predicted to take, in bytes; `cost` what it is
    expected to take of time, in units that are the same for all packs; `updates` the updates of its longest run.
    """

    digest: str
    label: str
    fingerprints: tuple[str, ...]
    pack: Pack
    examples: Examples
    analyses: tuple[str, ...]
    updates: int
    memory: int
    cost: float

    @property
    def epochs(self) -> int:
        """Epochs of the longest run."""
        return int(self.pack.columns["epochs"].max())


def packed(runs: Sequence[Run], memory: int) -> list[PlannedPack]:
    """Group runs into packs that fit into `memory` bytes, the most costly pack first."""
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        static = (value for key, value in run.numbers.items() if SETTINGS[key].role == "static")
        groups.setdefault((run.config.data.path, *static), []).append(run)
    packs = [_planned(part) for group in groups.values() for part in _cut(group, memory)]
    return sorted(packs, key=lambda pack: -pack.cost)


def _cut(group: list[Run], memory: int) -> list[list[Run]]:
    """Parts of a group that fit into memory, as equal as can be."""
    largest = max(1, memory // max(1, _planned(group[:1]).memory))
    if group[0].numbers["device"] == "cpu":
        largest = min(largest, LARGEST_PACK)
    parts = -(-len(group) // largest)
    return [[group[i] for i in part] for part in np.array_split(np.arange(len(group)), parts)]


def _planned(runs: list[Run]) -> PlannedPack:
    first, n = runs[0], len(runs)
    columns = {
        setting.engine: np.array([run.numbers[key] for run in runs])
        for key, setting in SETTINGS.items()
        if setting.role == "per_run" and setting.engine in COLUMNS
    }
    pack = engine_pack(first.numbers, columns)
    facts = describe(first.config.data)
    sizes = split_sizes(facts, first.config.data.train_size, first.config.data.validation, first.config.data.test)
    updates = sizes.train // pack.batch_size
    architecture = pack.architecture(facts.features, LOSSES[pack.loss].units(facts.outputs))
    return PlannedPack(
        digest=joint_digest(run.fingerprint for run in runs),
        label=_label(first),
        fingerprints=tuple(run.fingerprint for run in runs),
        pack=pack,
        examples=Examples(
            first.config.data,
            np.array([run.numbers["data.label_noise"] for run in runs]),
            tuple(run.numbers["data.scaling"] for run in runs),
        ),
        analyses=tuple(run.numbers.get("analyses", "") for run in runs),
        updates=updates * int(columns["epochs"].max()),
        memory=n * memory_per_run(pack, architecture),
        cost=float(columns["epochs"].sum()) * updates * _cost_of_update(pack, architecture),
    )


def _cost_of_update(pack: Pack, architecture: Architecture) -> float:
    """Roughly the arithmetic of one update: three products, the optimizer's passes, and those over the activations."""
    weights = sum(layer.rows * layer.fan_in for layer in architecture.layers)
    rows = sum(layer.rows for layer in architecture.layers)
    return weights * (6 * pack.batch_size + 30) + 40 * pack.batch_size * rows


def _label(run: Run) -> str:
    network = run.config.network
    return (
        f"{run.config.data.name}, {network.activation} {network.depth} x {network.width}, {run.config.optimizer.name}"
    )
