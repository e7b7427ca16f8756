"""PyTorch as a contestant on a GPU: eager, and as CUDA graphs; one network at a time, and all of them by `baddbmm` and
grouped convolutions.

As its documentation has it: data preloaded, fused Adam, cuDNN's benchmark mode, no `.item()` within an epoch. Orders
lie on the device before any clock runs.
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
        self._weights = [part.to(self._device).requires_grad_() for part in self._first_weights(work)]
        shapes = self._bias_shapes()
        self._biases = [torch.zeros(shape, device=self._device, requires_grad=True) for shape in shapes]
        parameters = [*self._weights, *self._biases]
        self._optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True, capturable=graph)
        self._index = torch.zeros((self._runs, self._batch), dtype=torch.int32, device=self._device)
        self._total = torch.zeros((), device=self._device)
        self._step: Callable[[], None] = self._captured() if graph else self._one_step

    def _first_weights(self, work: Work) -> list[torch.Tensor]:
        return [torch.from_numpy(part[: self._runs]) for part in first_weights(work)]

    def _bias_shapes(self) -> list[tuple[int, ...]]:
        return [(self._runs, 1, part.shape[2]) for part in self._weights]

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
        z = self._forward(a)
        loss = functional.cross_entropy(z.flatten(0, 1), labels, reduction="sum") / self._batch
        loss.backward()  # runs do not touch one another: each gets the gradient of its own mean
        self._optimizer.step()
        self._total += loss.detach() / self._runs

    def _forward(self, a: torch.Tensor) -> torch.Tensor:
        """(runs, batch, features) -> the output layer's z."""
        return self._dense(a, self._weights, self._biases)

    def _dense(self, a: torch.Tensor, weights: list[torch.Tensor], biases: list[torch.Tensor]) -> torch.Tensor:
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            a = functional.dropout(torch.relu(torch.baddbmm(bias, a, weight)), RATE)
        return torch.baddbmm(biases[-1], a, weights[-1])

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


class GroupedEnsemble(Ensemble):
    """Convolutional networks at once: a run is a group of channels of one convolution, weights (runs * units, channels,
    kernel, kernel).
    """

    def __init__(self, work: Work, device: str, graph: bool = False) -> None:
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False  # as matrix products are by default
        self._image, self._padding = work.image, work.kernel // 2 if work.padding == "same" else 0
        self._filters = len(work.channels)
        super().__init__(work, device, graph=graph)

    def _first_weights(self, work: Work) -> list[torch.Tensor]:
        """As ours, but filters and images lie channel by channel."""
        found, layers = super()._first_weights(work), work.architecture.layers
        for number, layer in enumerate(layers[: self._filters]):
            shape = (self._runs, layer.kernel, layer.kernel, layer.inputs[-1], layer.units)
            filters = found[number].reshape(shape).permute(0, 4, 3, 1, 2)
            found[number] = filters.reshape(-1, *filters.shape[2:]).contiguous()
        behind = found[self._filters]  # reads an image, pixel by pixel in ours
        shape = (self._runs, -1, layers[self._filters - 1].units, behind.shape[2])
        found[self._filters] = behind.reshape(shape).swapaxes(1, 2).reshape(behind.shape).contiguous()
        return found

    def _bias_shapes(self) -> list[tuple[int, ...]]:
        of_filters = [(len(part),) for part in self._weights[: self._filters]]
        return [*of_filters, *((self._runs, 1, part.shape[2]) for part in self._weights[self._filters :])]

    def _forward(self, a: torch.Tensor) -> torch.Tensor:
        images = a.view(self._runs, self._batch, *self._image[:2]).swapaxes(0, 1)
        for weight, bias in zip(self._weights[: self._filters], self._biases, strict=False):
            images = functional.conv2d(images, weight, bias, padding=self._padding, groups=self._runs)
            images = functional.max_pool2d(torch.relu(images), 2)
        features = images.reshape(self._batch, self._runs, -1).swapaxes(0, 1)
        return self._dense(features, self._weights[self._filters :], self._biases[self._filters :])


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
