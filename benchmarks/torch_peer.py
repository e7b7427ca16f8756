"""PyTorch as a contestant, as its documentation has it: modules and fused Adam, data preloaded, no `.item()` in a step.

Minibatches are gathered by `index_select`, which was the fastest of three ways (`X[i]`, one gather an epoch).
"""

from __future__ import annotations

import os
from itertools import cycle

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.works import LEARNING_RATE, Work, batches, data_of, first_weights, floats, updates_of

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softplus": nn.Softplus}
EPOCHS_OF_A_RUN = 5  # one by one: after so many the next run's turn has come


class _Peer:
    def __init__(self, work: Work, runs: np.ndarray) -> None:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.manual_seed(int(runs[0]))
        self._work, self._runs, self._data = work, runs, data_of(work, runs)
        self._inputs, self._labels = map(torch.from_numpy, floats(work))
        self._updates = updates_of(work, self._data)
        self._first = [torch.from_numpy(weights) for weights in first_weights(work, runs)]
        self._losses: dict[tuple[int, int], float] = {}

    def losses(self) -> dict[tuple[int, int], float]:
        """Mean training loss by run and epoch."""
        return self._losses

    def _adam(self, parameters: list[torch.Tensor]) -> torch.optim.Adam:
        return torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)


class OneByOne(_Peer):
    """One network after the other. A unit is an epoch of one run."""

    def __init__(self, work: Work, runs: np.ndarray) -> None:
        super().__init__(work, runs)
        self._order = cycle((place, epoch) for place in range(len(runs)) for epoch in range(1, EPOCHS_OF_A_RUN + 1))
        self._loss_of = nn.CrossEntropyLoss()

    def turn(self, units: int) -> int:
        """Train; the updates that were done."""
        for _ in range(units):
            place, epoch = next(self._order)
            if epoch == 1:
                self._network = self._fresh(place)
                self._optimizer = self._adam(list(self._network.parameters()))
            order = torch.from_numpy(batches(self._work, self._data.take(np.array([place])), epoch)[0])
            self._losses[int(self._runs[place]), epoch] = self._epoch(order)
        return units * self._updates

    def _epoch(self, order: torch.Tensor) -> float:
        total = torch.zeros(())
        for index in order:
            inputs, labels = self._inputs.index_select(0, index), self._labels.index_select(0, index)
            self._optimizer.zero_grad(set_to_none=True)
            loss = self._loss_of(self._network(inputs), labels)
            loss.backward()
            self._optimizer.step()
            total += loss.detach()
        return float(total) / len(order)

    def _fresh(self, place: int) -> nn.Sequential:
        """The network of a run with its initial weights."""
        return dense_layers(self._work, [weights[place] for weights in self._first])


def dense_layers(work: Work, first: list[torch.Tensor]) -> nn.Sequential:
    """Fully connected layers from their initial weights, (rows, fan_in) each; the last has no activation."""
    modules: list[nn.Module] = []
    for weights in first:
        modules += [started(nn.Linear(*weights.T.shape), weights), ACTIVATIONS[work.activation]()]
        if work.dropout:
            modules.append(nn.Dropout(work.dropout))
    hidden = 3 if work.dropout else 2
    return nn.Sequential(*modules[: 1 - hidden])


def started(module: nn.Linear | nn.Conv2d, weights: torch.Tensor) -> nn.Module:
    """A module that starts from these weights, with biases of zero."""
    with torch.no_grad():
        module.weight.copy_(weights)
        module.bias.zero_()
    return module


class Ensemble(_Peer):
    """All networks at once, batched products over a leading axis. A unit is an eighth of an epoch of all runs."""

    def __init__(self, work: Work, runs: np.ndarray) -> None:
        super().__init__(work, runs)
        dense = self._dense_weights()
        self._weights = [nn.Parameter(first.transpose(1, 2).contiguous()) for first in dense]
        self._biases = [nn.Parameter(torch.zeros(len(runs), 1, first.shape[1])) for first in dense]
        self._optimizer = self._adam([*self._weights, *self._biases, *self._before_them()])
        self._activation = ACTIVATIONS[work.activation]()
        self._steps = 0

    def turn(self, units: int) -> int:
        """Train; the updates of single runs that were done."""
        steps = units * -(-self._updates // 8)
        for _ in range(steps):
            self._one_step()
        return steps * len(self._runs)

    def losses(self) -> dict[tuple[int, int], float]:
        """Mean training loss by run and epoch; the epoch that has begun is trained to its end first."""
        while self._steps % self._updates:
            self._one_step()
        return self._losses

    def _one_step(self) -> None:
        epoch, step = divmod(self._steps, self._updates)
        if step == 0:
            order = batches(self._work, self._data, epoch + 1).swapaxes(0, 1)
            self._order, self._total = torch.from_numpy(order.copy()), torch.zeros(len(self._runs))
        self._total += self._step(self._order[step])
        self._steps += 1
        if step == self._updates - 1:
            means = (self._total / self._updates).tolist()
            self._losses |= {(int(run), epoch + 1): loss for run, loss in zip(self._runs, means, strict=True)}

    def _step(self, index: torch.Tensor) -> torch.Tensor:
        shape, flat = index.shape, index.flatten()
        inputs, labels = self._inputs.index_select(0, flat).view(*shape, -1), self._labels.index_select(0, flat)
        self._optimizer.zero_grad(set_to_none=True)
        a = self._features(inputs)
        for weights, biases in zip(self._weights[:-1], self._biases[:-1], strict=True):
            a = self._activation(torch.baddbmm(biases, a, weights))
            if self._work.dropout:
                a = functional.dropout(a, self._work.dropout)
        z = torch.baddbmm(self._biases[-1], a, self._weights[-1])
        losses = functional.cross_entropy(z.flatten(0, 1), labels, reduction="none").view(shape).mean(dim=1)
        losses.sum().backward()  # runs do not touch one another: each gets the gradient of its own mean
        self._optimizer.step()
        return losses.detach()

    def _dense_weights(self) -> list[torch.Tensor]:
        """The initial weights of the fully connected layers, (runs, rows, fan_in) each."""
        return self._first

    def _before_them(self) -> list[nn.Parameter]:
        """The parameters of the layers before those."""
        return []

    def _features(self, inputs: torch.Tensor) -> torch.Tensor:
        """What the fully connected layers read, (runs, batch, features)."""
        return inputs
