"""Cells of a sweep without Hydra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sweep.cases import small
from workbench.config import RunConfig
from workbench.sweep.hydra.composing.cell import Cell
from workbench.sweep.planning.packs import MemoryBudget
from workbench.sweep.planning.plan import PlannedCell, identified

PLENTY = MemoryBudget(2**34)
MakeCells = Callable[..., list[Cell]]


@pytest.fixture
def cells() -> MakeCells:
    """Cells of the given configurations; what varies is told as `factors`."""

    def make(configs: list[RunConfig], factors: list[dict[str, Any]] | None = None) -> list[Cell]:
        told = factors or [{"seed": config.seed} for config in configs]
        return [
            Cell(i, tuple(f"{key}={value}" for key, value in varying.items()), varying, config, {})
            for i, (config, varying) in enumerate(zip(configs, told, strict=True))
        ]

    return make


@pytest.fixture
def seeds(cells: MakeCells) -> list[PlannedCell]:
    """Three runs that differ in their seed alone."""
    return identified(cells([small(seed=seed) for seed in range(3)]))
