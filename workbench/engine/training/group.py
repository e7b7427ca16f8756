"""A group: runs that are trained through an epoch together, with their buffers.

The rows of active runs come first in every buffer. When a run ends, its row moves behind them, and everything that
works on the rows is rebuilt. A run that has ended costs no more time and does not affect the others.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from workbench.engine.backend import Array, array_module, to_host, zeros
from workbench.engine.kernels.choice import KERNELS, Judge
from workbench.engine.kernels.rows import Rows
from workbench.engine.rules.optimizers import OPTIMIZERS
from workbench.engine.training.early_stopping import improves
from workbench.engine.training.ending import end_runs
from workbench.engine.training.epoch import Epoch, RunEnd, State, Weights
from workbench.engine.training.evaluation import is_tested
from workbench.engine.training.pack import Pack
from workbench.engine.training.reader import Data

NOT_STARTED = -1
LARGE_EVALUATION = 50_000_000  # flops of a run: half a millisecond; threads for less would cost more than they give


class Group:
    """Trains the runs of `pack` on `data`, epoch by epoch. With a `state` it continues where `state()` was taken.

    Every buffer is (runs, size), a row for each run; `rows`, `best_loss`, `best_epoch` and `training` are (runs,). So
    many `threads` may share the work of each run.
    """

    def __init__(self, pack: Pack, data: Data, state: State | None = None, threads: int = 1) -> None:
        self.pack, self.data, self.xp, self._threads = pack, data, array_module(pack.device), threads
        self.dtype = np.dtype(pack.dtype)
        self.layout = pack.layout(data)
        self._pool = ThreadPoolExecutor(2, "evaluator") if threads > 1 and self._evaluates_much() else None
        self._stored = self._as_read(data.inputs)
        self.updates = data.train.index.shape[1] // pack.batch_size  # of an epoch
        names = ("weights", "best_weights", *OPTIMIZERS[pack.optimizer].slots)
        self.buffers: dict[str, Array] = {name: self._zeros() for name in names}
        self._gradients, self._previous = self._zeros(), self._zeros()
        self.rows = np.arange(pack.runs)  # the run in each row
        self.epoch_number = NOT_STARTED
        self.best_loss = np.full(pack.runs, np.inf)
        self.best_epoch = np.zeros(pack.runs, np.int64)
        self.training = np.ones(pack.runs, bool)
        if state is None:
            self._initialise()
        else:
            self._restore(state)
        self._settle()

    @property
    def active(self) -> int:
        """How many runs still train."""
        return int(self.training.sum())

    def epoch(self) -> Epoch:
        """Train the next epoch and decide which runs end. The first call only evaluates the untrained networks."""
        self.epoch_number += 1
        with np.errstate(all="ignore"):  # a diverging run overflows; `end_runs` reports it
            metrics = self._trainer.train(self.epoch_number) if self.epoch_number else self._untrained()
            metrics |= self._evaluated()
            probes, metrics["input_gradient"] = self._probes.take(after_update=self.epoch_number > 0)
            self._remember_best(metrics["validation_loss"])
            ended = end_runs(self, metrics)
            runs = self.rows[: self.active]
            if not self._is_tested:
                metrics |= _tested_last(runs, ended)
            probes |= self._probes.at_end(np.isin(runs, [end.run for end in ended]))
        updates = self.updates if self.epoch_number else 0
        epoch = Epoch(
            self.epoch_number, runs.copy(), metrics, probes, ended, updates * self.pack.batch_size * len(runs)
        )
        if ended:
            self.training[[int(np.flatnonzero(self.rows == end.run)[0]) for end in ended]] = False
            self._settle()
        return epoch

    def state(self) -> State:
        """All that the next epoch depends on, with the runs in the order of the pack: see `Epoch.state`."""
        back = np.argsort(self.rows)
        state = {name: to_host(buffer)[back] for name, buffer in self.buffers.items()}
        state |= {name: getattr(self, name)[back] for name in ("best_loss", "best_epoch", "training")}
        return state | {"epoch": np.array(self.epoch_number)}

    def weights(self, runs: np.ndarray) -> Weights:
        """The parameters of some runs, given by their places (n,) in this group's pack."""
        rows = np.argsort(self.rows)[runs]
        last, best = (to_host(self.buffers[name][rows]) for name in ("weights", "best_weights"))
        patient = self.pack.columns["patience"][runs] > 0
        return Weights(last, best, np.where(patient[:, None], best, last))

    def _as_read(self, inputs: np.ndarray) -> Array:
        """The inputs on the device: images as they are stored, other numbers in the working dtype."""
        return self.xp.asarray(inputs if inputs.dtype == np.uint8 else inputs.astype(self.dtype, copy=False))

    def _zeros(self) -> Array:
        return zeros((self.pack.runs, self.layout.size), self.dtype, self.xp)

    def _initialise(self) -> None:
        self.buffers["weights"][...] = self.xp.asarray(self.layout.initial(self.pack.columns, self.dtype))
        self.buffers["best_weights"][...] = self.buffers["weights"]

    def _restore(self, state: State) -> None:
        for name, buffer in self.buffers.items():
            buffer[...] = self.xp.asarray(state[name])
        self.best_loss, self.best_epoch = state["best_loss"].copy(), state["best_epoch"].copy()
        self.training, self.epoch_number = state["training"].copy(), int(state["epoch"])

    def _settle(self) -> None:
        """Move the active rows to the front and rebuild everything that works on them."""
        front = np.argsort(~self.training, kind="stable")
        for name in ("rows", "best_loss", "best_epoch", "training"):
            setattr(self, name, getattr(self, name)[front])
        if np.any(front != np.arange(len(front))):
            for buffer in self.buffers.values():
                buffer[...] = buffer[front]
        if self.active:
            self._assemble(self.rows[: self.active])

    def _assemble(self, runs: np.ndarray) -> None:
        n, self.active_pack = len(runs), self.pack.take(runs)
        rows = Rows(
            pack=self.active_pack,
            layout=self.layout,
            data=self.data.take(runs),
            weights=self.buffers["weights"][:n],
            gradients=self._gradients[:n],
            previous=self._previous[:n],
            slots=[self.buffers[name][:n] for name in OPTIMIZERS[self.pack.optimizer].slots],
            stored=self._stored,
            updates=self.updates,
            xp=self.xp,
            threads=self._threads,
        )
        self._trainer = KERNELS[self.pack.kernel].trainer(rows)
        self._evaluators = {split: self._evaluator(rows.weights, runs, split) for split in ("validation", "test")}
        self._probes = KERNELS[self.pack.kernel].prober(rows)

    def evaluate(self, buffer: str, places: np.ndarray, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and accuracy, (places,) each, of some rows of a buffer on one split."""
        return self._evaluator(self.buffers[buffer][places], self.rows[places], split).evaluate()

    def _evaluator(self, weights: Array, runs: np.ndarray, split: str) -> Judge:
        data = self.data.take(runs)
        kernel = KERNELS[self.pack.kernel]
        return kernel.evaluator(self.pack.take(runs), self.layout, weights, self._stored, data, getattr(data, split))

    def _evaluates_much(self) -> bool:
        examples = self.data.validation.index.shape[1] + self.data.test.index.shape[1]
        return 2 * self.layout.weights_end * examples > LARGE_EVALUATION

    def _evaluated(self) -> dict[str, np.ndarray]:
        """Loss and accuracy on the splits that are not trained on, both at once where threads share the runs."""
        each = self._pool.map if self._pool else map
        splits = [split for split in self._evaluators if split != "test" or self._is_tested]
        found = list(each(lambda split: self._evaluators[split].evaluate(), splits))
        return {
            f"{split}_{name}": numbers
            for split, both in zip(splits, found, strict=True)
            for name, numbers in zip(("loss", "accuracy"), both, strict=True)
        }

    @property
    def _is_tested(self) -> bool:
        return is_tested(self.epoch_number, self.pack.test_every)

    def _untrained(self) -> dict[str, np.ndarray]:
        return {name: np.full(self.active, np.nan) for name in ("train_loss", "train_accuracy", "learning_rate")}

    def _remember_best(self, validation_loss: np.ndarray) -> None:
        better = np.flatnonzero(improves(validation_loss, self.best_loss[: self.active]))
        if len(better):
            self.buffers["best_weights"][better] = self.buffers["weights"][better]
            self.best_loss[better] = validation_loss[better]
            self.best_epoch[better] = self.epoch_number


def _tested_last(runs: np.ndarray, ended: list[RunEnd]) -> dict[str, np.ndarray]:
    """The test metrics, (n,) each, of an epoch that evaluates only those of the `runs` (n,) that ended with it."""
    found = {name: np.full(len(runs), np.nan) for name in ("test_loss", "test_accuracy")}
    for end in ended:
        for name, values in found.items():
            values[runs == end.run] = end.summary[f"last_{name}"]
    return found
