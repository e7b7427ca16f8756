"""The engine as a contestant on a GPU: its training steps alone, or all of `train`, evaluation and probes included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.gpu_works import Work, data_of, pack_of, updates_of
from workbench.engine.kernels.choice import with_kernel
from workbench.engine.training.group import Group
from workbench.engine.training.loop import train


class Steps:
    """Training steps alone. `precision` counts for the kernel called graph, `threads` of a block for fused."""

    def __init__(self, work: Work, device: str, kernel: str, precision: str = "float32", threads: int = 0) -> None:
        data = data_of(work)
        pack = pack_of(work, device, "plain")
        self._group: Any = Group(pack, data)
        self.run_steps = updates_of(work, data) * work.runs
        trainer: Any = self._group._trainer
        self._trainer = trainer
        if kernel == "graph":
            from workbench.engine.kernels.cuda.kernel import GraphTrainer

            rows = replace(trainer._rows, pack=replace(pack, precision=precision))
            self._trainer = GraphTrainer(rows, _on_the_host("HostMachine") if device == "cpu" else None)
        if kernel == "fused":
            from workbench.engine.kernels.cuda.fused import FusedTrainer

            machine = _on_the_host("HostBlocks") if device == "cpu" else None
            self._trainer = FusedTrainer(trainer._rows, machine, threads)

    def epoch(self, number: int) -> float:
        """Train an epoch; the mean training loss."""
        return float(np.mean(self._trainer.train(number)["train_loss"]))


def _on_the_host(name: str) -> Any:
    """What runs device code where there is no device, as the tests do: to try the script."""
    return getattr(import_module("tests.engine.cuda_on_host"), name)()


class Everything:
    """The public `train`: steps, evaluation on two splits, probes."""

    def __init__(self, work: Work, device: str, kernel: str) -> None:
        data = data_of(work)
        self.run_steps = updates_of(work, data) * work.runs
        self._epochs: Iterator[Any] = train(with_kernel(pack_of(work, device, "plain"), kernel), data)
        next(self._epochs)  # the untrained networks

    def epoch(self, _number: int) -> float:
        """Train an epoch; the mean training loss."""
        return float(np.mean(next(self._epochs).metrics["train_loss"]))
