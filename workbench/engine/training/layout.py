"""Where each parameter lies: all parameters of a run in one row of one buffer, (runs, parameters).

First all weights, then all biases, then the learned slopes; every tensor is padded to a multiple of 32 elements, so
that each starts on a cache line and the penalties act on a prefix. Padding is zero and stays zero. Layers hold views.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.rules.activations import ACTIVATIONS

PADDING = 32  # elements


@dataclass(frozen=True)
class LayerShape:
    """A layer of `units` neurons reading `fan_in` numbers; `rows` of weights, more than units for maxout."""

    fan_in: int
    units: int
    rows: int
    activation: str

    @property
    def slopes(self) -> int:
        """How many slopes the layer learns: one a unit for parametric ReLU, else none."""
        return self.units if ACTIVATIONS[self.activation].slope_derivative else 0


@dataclass(frozen=True)
class Architecture:
    """A fully connected network: `depth` hidden layers of `width` units between inputs and outputs.

    `pieces` counts only for maxout. Depth 0 is logistic (or linear) regression.
    """

    inputs: int
    outputs: int
    depth: int
    width: int
    activation: str
    pieces: int = 2

    @cached_property
    def layers(self) -> tuple[LayerShape, ...]:
        """The hidden layers, then the output layer, whose activation belongs to the loss."""
        rows = self.width * (self.pieces if self.activation == "maxout" else 1)
        fan_ins = [self.inputs] + [self.width] * self.depth
        hidden = [LayerShape(fan_in, self.width, rows, self.activation) for fan_in in fan_ins[:-1]]
        return (*hidden, LayerShape(fan_ins[-1], self.outputs, self.outputs, "identity"))


class Parameters(NamedTuple):
    """One layer's tensors.

    weights (runs, rows, fan_in), a row a neuron; biases (runs, rows); slopes (runs, units), or None where none is
    learned.
    """

    weights: Array
    biases: Array
    slopes: Array | None


class Layout:
    """The places of an architecture's tensors within a row of the buffer."""

    def __init__(self, architecture: Architecture) -> None:
        self.layers = architecture.layers
        self._end = 0
        self._weights = [self._place(layer.rows * layer.fan_in) for layer in self.layers]
        self.weights_end = self._end  # penalties act on [0, weights_end)
        self._biases = [self._place(layer.rows) for layer in self.layers]
        self._slopes = [self._place(layer.slopes) for layer in self.layers]
        self.size = self._end

    def _place(self, count: int) -> slice:
        start = self._end
        self._end += -(-count // PADDING) * PADDING
        return slice(start, start + count)

    def starts(self) -> list[tuple[int, int, int]]:
        """Of each layer, where its weights, biases and slopes begin in a row."""
        return [(w.start, b.start, s.start) for w, b, s in zip(self._weights, self._biases, self._slopes, strict=True)]

    def views(self, buffer: Array) -> list[Parameters]:
        """Each layer's tensors as views of `buffer` (runs, size)."""
        return [
            Parameters(
                buffer[:, weights].reshape(len(buffer), layer.rows, layer.fan_in),
                buffer[:, biases],
                buffer[:, slopes] if layer.slopes else None,
            )
            for layer, weights, biases, slopes in zip(
                self.layers, self._weights, self._biases, self._slopes, strict=True
            )
        ]

    def parameter_count(self) -> int:
        """How many numbers a run learns, padding left out."""
        return sum(layer.rows * (layer.fan_in + 1) + layer.slopes for layer in self.layers)

    def to_numpy(self, row: np.ndarray) -> list[dict[str, np.ndarray]]:
        """One run's row of the buffer as named arrays, layer by layer.

        weights (rows, fan_in), biases (rows,), and slopes (units,) where they are learned.
        """
        named = (view._asdict().items() for view in self.views(row[None]))
        return [{name: array[0].copy() for name, array in layer if array is not None} for layer in named]
