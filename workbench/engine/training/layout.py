"""The place of each parameter of a network: all parameters of a run are one row of one buffer.

All weights come first, then all biases, then the learned slopes, so penalties act on a prefix. Every tensor is padded
to a multiple of 32 elements, so each starts on a cache line. Padding is zero and stays zero. Layers hold views.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from workbench.engine.backend import Array
from workbench.engine.layers.base import Parameters, Shape
from workbench.engine.layers.convolution import Convolution
from workbench.engine.layers.dense import Dense, as_dense
from workbench.engine.layers.dropout import Dropout
from workbench.engine.rules.initializers import initial_weights
from workbench.engine.training.architecture import Architecture

PADDING = 32  # elements


class Layout:
    """The layers of an architecture, and the places of their tensors within a row of the buffer."""

    def __init__(self, architecture: Architecture) -> None:
        self.sequence, self.layers = architecture.sequence, architecture.layers
        self.dropout = [layer for layer in self.sequence if isinstance(layer, Dropout)]
        self.without_dropout = [layer for layer in self.sequence if not isinstance(layer, Dropout)]
        self.inputs, self.outputs = architecture.inputs, architecture.outputs
        self._places: list[dict[str, slice]] = [{} for _ in self.layers]
        self.size = self.weights_end = 0  # penalties act on [0, weights_end)
        tensors = [
            (not tensor.is_weights, place, number)
            for number, layer in enumerate(self.layers)
            for place, tensor in enumerate(layer.tensors)
        ]
        for is_other, place, number in sorted(tensors):
            tensor = self.layers[number].tensors[place]
            self._places[number][tensor.name] = slice(self.size, self.size + tensor.size)
            self.size += -(-tensor.size // PADDING) * PADDING
            self.weights_end = self.weights_end if is_other else self.size

    @property
    def dense_layers(self) -> tuple[Dense, ...]:
        """`layers`, if all are dense or maxout layers. Raises TypeError for another kind."""
        return tuple(as_dense(layer) for layer in self.layers)

    @property
    def passed_back(self) -> set[Shape]:
        """The shapes of dl/da on its way back, from the output layer to the first that has parameters."""
        first = self.sequence.index(self.layers[0])
        return {layer.inputs for layer in self.sequence[first + 1 :]}

    def start(self, number: int, name: str) -> int:
        """The offset of a tensor of that layer within a row."""
        return self._places[number][name].start

    def views(self, buffer: Array) -> list[Parameters]:
        """Each layer's tensors as views of `buffer` (runs, size)."""
        return [
            {
                tensor.name: buffer[:, places[tensor.name]].reshape(len(buffer), *tensor.shape)
                for tensor in layer.tensors
            }
            for layer, places in zip(self.layers, self._places, strict=True)
        ]

    def weights(self, buffer: Array) -> list[Array]:
        """All weights as views of `buffer` (runs, size), each (runs, rows, columns): a row is what a neuron reads."""
        return [
            buffer[:, start : start + rows * columns].reshape(len(buffer), rows, columns)
            for start, rows, columns in self.rows()
        ]

    def rows(self) -> list[tuple[int, int, int]]:
        """For all weights: their offset within a row of the buffer, their rows and their columns.
        Max-norm bounds rows.
        """
        return [
            (self.start(number, tensor.name), tensor.shape[0], tensor.size // tensor.shape[0])
            for number, layer in enumerate(self.layers)
            for tensor in layer.tensors
            if tensor.is_weights
        ]

    @property
    def largest_map(self) -> int:
        """The largest size, for one example, of a convolution's inputs, z or outputs; 0 without convolutions."""
        return max((layer.largest_map for layer in self.layers if isinstance(layer, Convolution)), default=0)

    def initial(self, columns: Mapping[str, np.ndarray], dtype: DTypeLike) -> np.ndarray:
        """The parameters that every run starts from, (runs, size), by its columns (see `pack.COLUMNS`)."""
        buffer = np.zeros((len(columns["seed"]), self.size), dtype)
        starts = list(zip(columns["init"], columns["seed"], columns["init_scale"], strict=True))
        for number, (layer, view) in enumerate(zip(self.layers, self.views(buffer), strict=True)):
            for tensor in layer.tensors:
                if tensor.is_weights:
                    for row, (name, seed, scale) in enumerate(starts):
                        view[tensor.name][row] = initial_weights(str(name), int(seed), number, tensor, float(scale))
                else:
                    start = columns[tensor.start] if isinstance(tensor.start, str) else np.array([tensor.start])
                    view[tensor.name][...] = start.reshape(-1, *[1] * len(tensor.shape))
        return buffer

    def to_numpy(self, row: np.ndarray) -> list[dict[str, np.ndarray]]:
        """One run's row (size,) of the buffer as named arrays of their tensors' shapes, layer by layer."""
        return [{name: array[0].copy() for name, array in view.items()} for view in self.views(row[None])]
