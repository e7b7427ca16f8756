"""The kernel called graph without a device: what trains packs by it on the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from workbench.engine.kernels import choice as kernels
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.cuda import launches
from workbench.engine.kernels.cuda.kernel import GraphEvaluator, GraphTrainer
from workbench.engine.kernels.rows import Rows
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack

from .cuda_on_host import HostMachine


@contextmanager
def on_the_host(monkeypatch: pytest.MonkeyPatch, machine: HostMachine, thin: int) -> Iterator[None]:
    """Inside, the kernel called graph runs on this machine; what is no wider than `thin` is no work for a library."""

    def trainer(rows: Rows) -> GraphTrainer:
        return GraphTrainer(rows, machine)

    def evaluator(*arguments: Any) -> GraphEvaluator:
        return GraphEvaluator(*arguments, machine)

    row = replace(KERNELS["graph"], trainer=trainer, evaluator=evaluator)
    with monkeypatch.context() as patch:
        patch.setattr(launches, "THIN", thin)
        patch.setitem(kernels.KERNELS, "graph", row)
        yield


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Train a pack by the kernel called graph, on the host, or by another."""

    def train_it(
        pack: Pack, data: Any, machine: HostMachine | None = None, thin: int = 0, kernel: str = "graph"
    ) -> list[Any]:
        with on_the_host(monkeypatch, machine or HostMachine(), thin):
            return list(train(replace(pack, kernel=kernel), data))

    return train_it
