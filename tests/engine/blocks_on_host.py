"""The kernel called fused without a device: inside a context, what is called graph trains in blocks on the host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from workbench.engine.kernels import choice as kernels
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.cuda.fused import FusedEvaluator, FusedTrainer
from workbench.engine.kernels.cuda.fused_probes import FusedProbes
from workbench.engine.kernels.rows import Rows
from workbench.engine.training.probing import PlainProbes

from .cuda_on_host import HostBlocks


@contextmanager
def blocks_on_the_host(
    monkeypatch: pytest.MonkeyPatch, machine: HostBlocks, threads: int = 0, probing: bool = False
) -> Iterator[None]:
    """Inside, the kernel called graph is that of blocks; `probing`: they probe too, which takes a compiler its time."""

    def trainer(rows: Rows) -> FusedTrainer:
        return FusedTrainer(rows, machine, threads)

    def evaluator(*arguments: Any) -> FusedEvaluator:
        return FusedEvaluator(*arguments, machine, threads)

    def prober(rows: Rows) -> Any:
        return FusedProbes(rows, machine) if probing else PlainProbes(rows)

    row = replace(KERNELS["graph"], trainer=trainer, evaluator=evaluator, prober=prober)
    with monkeypatch.context() as patch:
        patch.setitem(kernels.KERNELS, "graph", row)
        yield
