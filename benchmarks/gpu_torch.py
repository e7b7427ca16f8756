"""PyTorch as a contestant on a GPU: eager, and as CUDA graphs; one network at a time, and all of them by `baddbmm`.

As its documentation has it: data preloaded, fused Adam, no `.item()` within an epoch. Orders lie on the device before
any clock runs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.gpu_works import LEARNING_RATE, RATE, Work, data_of, first_weights, floats, orders, updates_of

EPOCHS_AHEAD = 2  # orders kept on the device, used in turn
WARM = 3  # steps beside the graph before it is captured


class Ensemble:
    """`runs` networks at once, weights (runs, fan_in, units); with runs=1 an ordinary network."""

    def __init__(self, work: Work, device: str, runs: int | None = None, graph: bool = False) -> None:
        data, self._device, self._batch = data_of(work), torch.device(device), work.batch_size
        self._runs = runs or work.runs
        self._updates = updates_of(work, data)
        self.run_steps = self._updates * self._runs
        self._inputs, self._labels = (torch.from_numpy(part).to(self._device) for part in floats(work))
        self._orders = [
            torch.from_numpy(orders(work, data, epoch)[: self._runs].swapaxes(0, 1).copy()).to(self._device)
            for epoch in range(1, EPOCHS_AHEAD + 1)
        ]
        first = [torch.from_numpy(part[: self._runs]).to(self._device) for part in first_weights(work)]
        self._weights = [part.requires_grad_() for part in first]
        shapes = [(self._runs, 1, part.shape[2]) for part in first]
        self._biases = [torch.zeros(shape, device=self._device, requires_grad=True) for shape in shapes]
        parameters = [*self._weights, *self._biases]
        self._optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True, capturable=graph)
        self._index = torch.zeros((self._runs, self._batch), dtype=torch.int32, device=self._device)
        self._total = torch.zeros((), device=self._device)
        self._step: Callable[[], None] = self._captured() if graph else self._one_step

    def epoch(self, number: int) -> float:
        """Train an epoch; the mean training loss."""
        self._total.zero_()
        for index in self._orders[number % EPOCHS_AHEAD]:
            self._index.copy_(index)
            self._step()
        return float(self._total) / self._updates

    def _one_step(self) -> None:
        flat = self._index.flatten()
        a = self._inputs.index_select(0, flat).view(self._runs, self._batch, -1)
        labels = self._labels.index_select(0, flat)
        self._optimizer.zero_grad(set_to_none=True)
        for weights, biases in zip(self._weights[:-1], self._biases[:-1], strict=True):
            a = functional.dropout(torch.relu(torch.baddbmm(biases, a, weights)), RATE)
        z = torch.baddbmm(self._biases[-1], a, self._weights[-1])
        loss = functional.cross_entropy(z.flatten(0, 1), labels, reduction="sum") / self._batch
        loss.backward()  # runs do not touch one another: each gets the gradient of its own mean
        self._optimizer.step()
        self._total += loss.detach() / self._runs

    def _captured(self) -> Callable[[], None]:
        """The step as a CUDA graph, warmed up as the documentation says."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM):
                self._one_step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._one_step()
        return graph.replay


class OneByOne(Ensemble):
    """One network, built of modules, as most people write it."""

    def __init__(self, work: Work, device: str, graph: bool = False) -> None:
        super().__init__(work, device, runs=1)
        modules: list[torch.nn.Module] = []
        for weights in self._weights:
            linear = torch.nn.Linear(weights.shape[1], weights.shape[2])
            with torch.no_grad():
                linear.weight.copy_(weights[0].T)
                linear.bias.zero_()
            modules += [linear, torch.nn.ReLU(), torch.nn.Dropout(RATE)]
        self._network = torch.nn.Sequential(*modules[:-2]).to(self._device)
        parameters = self._network.parameters()
        self._optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True, capturable=graph)
        self._step = self._captured() if graph else self._one_step

    def _one_step(self) -> None:
        index = self._index[0]
        inputs, labels = self._inputs.index_select(0, index), self._labels.index_select(0, index)
        self._optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(self._network(inputs), labels)
        loss.backward()
        self._optimizer.step()
        self._total += loss.detach()
