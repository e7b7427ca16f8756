"""Runs that are walked through an epoch together: their buffers, and one epoch of training.

Rows that still train come first in every buffer. A run that ends leaves its row behind them and the rest is put
together anew, so that it costs nothing more and disturbs nobody.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, array_module, to_host, zeros
from workbench.engine.dropout import Dropout, mask_keys
from workbench.engine.early_stopping import improves
from workbench.engine.ending import end_runs
from workbench.engine.epoch import Epoch, State
from workbench.engine.evaluation import Evaluator
from workbench.engine.initializers import initial_weights
from workbench.engine.losses import LOSSES
from workbench.engine.network import Network
from workbench.engine.optimizers import OPTIMIZERS
from workbench.engine.pack import Pack
from workbench.engine.parameters import Layout
from workbench.engine.probing import ProbeStation
from workbench.engine.reader import Data, Reader
from workbench.engine.schedules import timetable
from workbench.engine.update import Update

NOT_STARTED = -1


class Group:
    """Trains the runs of `pack` on `data`, epoch by epoch. `state` goes on where `state()` was taken."""

    def __init__(self, pack: Pack, data: Data, state: State | None = None) -> None:
        self.pack, self.data, self.xp = pack, data, array_module(pack.device)
        self.dtype = np.dtype(pack.dtype)
        self.layout = Layout(pack.architecture(data.inputs.shape[1], LOSSES[pack.loss].units(data.outputs)))
        self.stored = self.xp.asarray(data.inputs)
        self.updates = data.train.index.shape[1] // pack.batch_size  # per epoch; what does not fill a batch waits
        names = ("weights", "best_weights", *OPTIMIZERS[pack.optimizer].slots)
        self.buffers: dict[str, Array] = {name: self._zeros() for name in names}
        self.gradients, self.previous = self._zeros(), self._zeros()
        self.rows = np.arange(pack.runs)  # which run stands in which row
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
        """Train the next epoch, or look at the untrained networks first, and judge which runs end."""
        self.epoch_number += 1
        with np.errstate(all="ignore"):  # a diverging run overflows; that is found out and said, not warned of
            metrics = self._train() if self.epoch_number else self._untrained()
            for split in ("validation", "test"):
                metrics[f"{split}_loss"], metrics[f"{split}_accuracy"] = self._evaluators[split].evaluate()
            probes, metrics["input_gradient"] = self._probes.take(after_update=self.epoch_number > 0)
            self._remember_best(metrics["validation_loss"])
            ended = end_runs(self, metrics)
            runs = self.rows[: self.active]
            probes |= self._probes.at_end(np.isin(runs, [end.run for end in ended]))
        epoch = Epoch(
            self.epoch_number, runs.copy(), metrics, probes, ended, self.updates * self.pack.batch_size * len(runs)
        )
        if ended:
            self.training[[int(np.flatnonzero(self.rows == end.run)[0]) for end in ended]] = False
            self._settle()
        return epoch

    def state(self) -> State:
        """All that the next epoch depends on, runs in the order of the pack: see `Epoch.state`."""
        back = np.argsort(self.rows)
        state = {name: to_host(buffer)[back] for name, buffer in self.buffers.items()}
        state |= {name: getattr(self, name)[back] for name in ("best_loss", "best_epoch", "training")}
        return state | {"epoch": np.array(self.epoch_number)}

    def _zeros(self) -> Array:
        return zeros((self.pack.runs, self.layout.size), self.dtype, self.xp)

    def _initialise(self) -> None:
        host = np.zeros((self.pack.runs, self.layout.size), self.dtype)
        columns = self.pack.columns
        for number, (shape, view) in enumerate(zip(self.layout.layers, self.layout.views(host), strict=True)):
            for row, (name, seed, scale) in enumerate(
                zip(columns["init"], columns["seed"], columns["init_scale"], strict=True)
            ):
                view.weights[row] = initial_weights(str(name), int(seed), number, shape, float(scale))
            if view.slopes is not None:
                view.slopes[...] = columns["slope"][:, None]
        self.buffers["weights"][...] = self.xp.asarray(host)
        self.buffers["best_weights"][...] = self.buffers["weights"]

    def _restore(self, state: State) -> None:
        for name, buffer in self.buffers.items():
            buffer[...] = self.xp.asarray(state[name])
        self.best_loss, self.best_epoch = state["best_loss"].copy(), state["best_epoch"].copy()
        self.training, self.epoch_number = state["training"].copy(), int(state["epoch"])

    def _settle(self) -> None:
        """Bring the rows that train to the front and build everything that works on them."""
        front = np.argsort(~self.training, kind="stable")
        for name in ("rows", "best_loss", "best_epoch", "training"):
            setattr(self, name, getattr(self, name)[front])
        if np.any(front != np.arange(len(front))):
            for buffer in self.buffers.values():
                buffer[...] = buffer[front]
        if self.active:
            self._assemble(self.rows[: self.active])

    def _assemble(self, runs: np.ndarray) -> None:
        pack, layout, xp, batch = self.pack.take(runs), self.layout, self.xp, self.pack.batch_size
        self.columns, self.here = pack.columns, self.data.take(runs)
        n = len(runs)
        weights, gradients = self.buffers["weights"][:n], self.gradients[:n]
        self.slope = xp.asarray(self.columns["slope"].astype(self.dtype))
        slots = [self.buffers[name][:n] for name in OPTIMIZERS[pack.optimizer].slots]
        rates = [self.columns["input_dropout_rate"]] + [self.columns["dropout_rate"]] * pack.depth
        self._dropout = Dropout(rates, [shape.fan_in for shape in layout.layers], batch, self.dtype, xp)
        self._network = Network(layout, weights, gradients, self.slope, batch, self._dropout.any)
        self._reader = Reader(self.stored, self.here, batch, self.dtype, xp)
        self._update = Update(pack.optimizer, layout, weights, gradients, slots, self.columns, xp)
        self._evaluators = {
            split: self.evaluator(split, weights, self.slope, self.here) for split in ("validation", "test")
        }
        self._probes = ProbeStation(
            layout, weights, self.previous[:n], gradients, self.slope, pack.loss, self.stored, self.here
        )

    def evaluator(self, split: str, weights: Array, slope: Array, data: Data) -> Evaluator:
        """An evaluator of `weights` (runs, size) on one split of `data`."""
        return Evaluator(self.layout, weights, slope, self.pack.loss, self.stored, data, getattr(data, split), self.xp)

    def _untrained(self) -> dict[str, np.ndarray]:
        return {name: np.full(self.active, np.nan) for name in ("train_loss", "train_accuracy", "learning_rate")}

    def _train(self) -> dict[str, np.ndarray]:
        """One epoch of updates; the running loss and accuracy, dropout on."""
        rows, targets = self._minibatches()
        first = (self.epoch_number - 1) * self.updates
        table = timetable(self.columns, first, self.updates, self.updates)
        varying = {name: self.xp.asarray(values.astype(self.dtype)[..., None]) for name, values in table.items()}
        steps = np.arange(first, first + self.updates)
        streams = self.xp.asarray(mask_keys(self.columns["seed"], len(self.layout.layers), steps))
        judge = LOSSES[self.pack.loss].judge
        losses, hits = 0.0, 0.0
        for step in range(self.updates):
            if step == self.updates - 1:
                self.previous[: self.active] = self.buffers["weights"][: self.active]
            self._reader.read(rows[step], self._network.inputs)
            masks = self._dropout.draw(streams[step]) if self._dropout.any else ()
            judged = judge(self._network.forward(masks), targets[step])
            self._network.backward(np.multiply(judged.delta, 1 / self.pack.batch_size, out=judged.delta))
            self._update.step({name: values[step] for name, values in varying.items()})
            losses = losses + judged.losses.mean(axis=1).astype(np.float64)
            hits = hits + (np.nan if judged.correct is None else judged.correct.mean(axis=1))
        means = [
            np.broadcast_to(
                to_host(np.asarray(total) if isinstance(total, float) else total) / self.updates, self.active
            )
            for total in (losses, hits)
        ]
        return {"train_loss": means[0], "train_accuracy": means[1], "learning_rate": table["learning_rate"][-1]}

    def _minibatches(self) -> tuple[Array, Array]:
        """Rows (updates, runs, batch) of the stored inputs in this epoch's order, and their targets."""
        data, batch = self.here, self.pack.batch_size
        order = data.order(self.epoch_number)[:, : self.updates * batch]
        run = np.arange(len(order))[:, None]

        def cut(of_split: np.ndarray) -> Array:
            chosen = of_split[run, order]
            stepwise = chosen.reshape(len(chosen), self.updates, batch, *chosen.shape[2:]).swapaxes(0, 1)
            return self.xp.asarray(np.ascontiguousarray(stepwise))

        return cut(data.train.index), cut(data.train.targets)

    def _remember_best(self, validation_loss: np.ndarray) -> None:
        better = np.flatnonzero(improves(validation_loss, self.best_loss[: self.active]))
        if len(better):
            self.buffers["best_weights"][better] = self.buffers["weights"][better]
            self.best_loss[better] = validation_loss[better]
            self.best_epoch[better] = self.epoch_number
