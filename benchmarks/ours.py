"""The engine as a contestant: through the public `train`, and its parts one at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.works import Work, data_of, layout_of, pack_of, updates_of
from workbench.data import RunData
from workbench.engine.backend import zeros
from workbench.engine.kernels.choice import KERNELS
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.evaluation import FIRST_EPOCHS, is_tested
from workbench.engine.training.loop import train
from workbench.engine.training.pack import Pack
from workbench.engine.training.sizes import runs_per_group

LOSSES_KEPT = 16  # epochs


class Trained:
    """Runs trained as a person has them trained: default probes and evaluation on, `work.workers` at work.

    A unit is `test_every` epochs of all runs, so that every turn has its share of evaluations on the test data. Turns
    begin after the first epochs, each of which has one.
    """

    def __init__(self, work: Work, runs: np.ndarray, kernel: str, test_every: str = "") -> None:
        data, pack = data_of(work, runs), pack_of(work, runs, kernel)
        pack = replace(pack, test_every=int(test_every or pack.test_every))
        self._updates, self._losses = updates_of(work, data), dict[tuple[int, int], float]()
        self._left, self._unit = 0, pack.test_every
        self._epochs = train(pack, data, work.workers, ahead=lambda: self._left > 1)  # never into another's turn
        next(self._epochs)  # the untrained network
        self._train(FIRST_EPOCHS if pack.test_every > 1 else 0)

    def turn(self, units: int) -> int:
        """Train; the updates of single runs that were done."""
        return self._train(units * self._unit)

    def _train(self, epochs: int) -> int:
        steps = 0
        for self._left in range(epochs, 0, -1):
            epoch = next(self._epochs)
            steps += self._updates * len(epoch.runs)
            if epoch.number <= LOSSES_KEPT:
                self._losses |= _by_run(epoch.runs, epoch.number, epoch.metrics["train_loss"])
        return steps

    def losses(self) -> dict[tuple[int, int], float]:
        """Mean training loss by run and epoch."""
        return self._losses

    def close(self) -> None:
        """End the workers."""
        self._epochs.close()  # type: ignore[attr-defined]


class Bare:
    """Training steps alone, in groups as `train` walks them: no evaluation, no probes. A unit is an epoch."""

    def __init__(self, work: Work, runs: np.ndarray, kernel: str) -> None:
        self._groups = [(rows, KERNELS[kernel].trainer(rows)) for rows in groups_of(work, runs, kernel)]
        self._epoch, self._losses = 0, dict[tuple[int, int], float]()

    def turn(self, units: int) -> int:
        """Train; the updates of single runs that were done."""
        steps = 0
        for _ in range(units):
            self._epoch += 1
            for rows, trainer in self._groups:
                metrics = trainer.train(self._epoch)
                steps += rows.updates * rows.pack.runs
                if self._epoch <= LOSSES_KEPT:
                    self._losses |= _by_run(rows.pack.columns["seed"], self._epoch, metrics["train_loss"])
        return steps

    def losses(self) -> dict[tuple[int, int], float]:
        """Mean training loss by run and epoch."""
        return self._losses


class _BetweenEpochs:
    """Something done once an epoch. A unit counts as an epoch's updates, so that rates compare with training's."""

    def __init__(self, work: Work, runs: np.ndarray, kernel: str) -> None:
        groups = groups_of(work, runs, kernel)
        self._steps = sum(rows.updates * rows.pack.runs for rows in groups)
        self._build(groups, kernel)

    def _build(self, groups: list[Rows], kernel: str) -> None:
        raise NotImplementedError

    def _once(self) -> None:
        raise NotImplementedError

    def turn(self, units: int) -> int:
        """Do it so many times; the updates of single runs that it belongs to."""
        for _ in range(units):
            self._once()
        return units * self._steps

    def losses(self) -> dict[tuple[int, int], float]:
        """None: nothing is trained."""
        return {}


class Probes(_BetweenEpochs):
    """The default probes of an epoch."""

    def _build(self, groups: list[Rows], kernel: str) -> None:
        self._stations = [KERNELS[kernel].prober(rows) for rows in groups]

    def _once(self) -> None:
        for station in self._stations:
            station.take(after_update=True)


class Evaluation(_BetweenEpochs):
    """The evaluation of an epoch: all networks on validation data, and on test data where the epoch has its turn.

    A unit is `test_every` epochs, after the first ones, so that every turn has its share of test data.
    """

    def _build(self, groups: list[Rows], kernel: str) -> None:
        self._epoch, self._unit = FIRST_EPOCHS, groups[0].pack.test_every
        self._judges = [
            (of_test and rows.pack.test_every, KERNELS[kernel].evaluator(
                rows.pack, rows.layout, rows.weights, rows.stored, rows.data, split
            ))
            for rows in groups
            for of_test, split in ((0, rows.data.validation), (1, rows.data.test))
        ]  # fmt: skip

    def turn(self, units: int) -> int:
        """Evaluate as after so many units of epochs; the updates of single runs that it belongs to."""
        return super().turn(units * self._unit)

    def _once(self) -> None:
        self._epoch += 1
        for every, judge in self._judges:
            if not every or is_tested(self._epoch, every):
                judge.evaluate()


def groups_of(work: Work, runs: np.ndarray, kernel: str) -> list[Rows]:
    """The runs in the groups that the engine makes of them, with initial weights and everything else at zero."""
    pack, data = pack_of(work, runs, kernel), data_of(work, runs)
    size = runs_per_group(pack, data)
    parts = [np.arange(start, min(start + size, len(runs))) for start in range(0, len(runs), size)]
    return [_rows(work, pack.take(part), data.take(part)) for part in parts]


def _rows(work: Work, pack: Pack, data: RunData) -> Rows:
    layout = layout_of(work)
    weights, gradients, previous, *slots = (
        zeros((pack.runs, layout.size), np.float32, np) for _ in range(3 + len(OPTIMIZERS[pack.optimizer].slots))
    )
    weights[...] = layout.initial(pack.columns, np.float32)
    previous[...] = weights
    return Rows(pack, layout, data, weights, gradients, previous, slots, data.inputs, updates_of(work, data), np)


def _by_run(runs: np.ndarray, epoch: int, losses: np.ndarray) -> dict[tuple[int, int], float]:
    return {(int(run), epoch): float(loss) for run, loss in zip(runs, losses, strict=True)}
