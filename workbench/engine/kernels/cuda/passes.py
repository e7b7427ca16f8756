"""The passes of all runs over one minibatch, as launches: what `network.py` and `layer.py` do, fused and in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.kernels.cuda.codes import LOSSES, THREADS, TILE, activations
from workbench.engine.kernels.cuda.launches import (
    Argument,
    Launch,
    Matrix,
    Product,
    fours,
    multiplied,
    threads_for,
    tiles,
)
from workbench.engine.training.layout import LayerShape, Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose

JUDGES = 128  # threads that judge a run's outputs


@dataclass(frozen=True)
class Passes:
    """Binds one program's arrays. weights and gradients (runs, size); `arrays` by the names of `buffers`; `stored` the
    inputs, flat; `examples` of each run's split; `ordered`: whether an order says which of them make a minibatch.
    """

    pack: Pack
    layout: Layout
    weights: Array
    gradients: Array | None
    stored: Array
    arrays: Mapping[str, Array]
    batch: int
    examples: int
    ordered: bool

    def forward(self) -> Iterator[Launch | Product]:
        """Tick, read the minibatch, and z without bias of every layer, the last one included."""
        arrays, runs = self.arrays, self.pack.runs
        counters, keys = arrays["counters"], arrays["keys"]
        yield Launch("tick", (1, 1), THREADS, (counters, arrays["seeds"], keys, int(Purpose.DROPOUT), len(keys), runs))
        yield self._read()
        for number in range(len(self.layout.layers)):
            if number:
                yield self._activate(number - 1)
            yield multiplied(Product(self._z(number), self._reads(number), self._weights(number).turned, runs))

    def judge(self) -> Launch:
        """Losses and hits of the minibatch, and 1 / batch of dl/dz at the output layer."""
        arrays, last = self.arrays, len(self.layout.layers) - 1
        gradients = self.weights if self.gradients is None else self.gradients
        bias_start, outputs = self.layout.starts()[last][1], self.layout.layers[last].rows
        arguments = (
            arrays[f"z{last}"], self.weights, gradients, arrays["labels"], arrays["values"], self._order(),
            arrays["counters"], arrays["losses"], arrays["hits"], LOSSES.index(self.pack.loss), int(self.ordered),
            int(self.gradients is not None), bias_start, self.examples, self.batch, outputs, self.layout.size,
            1 / self.batch,
        )  # fmt: skip
        return Launch("judge", (self.pack.runs, 1), JUDGES, arguments)

    def backward(self) -> Iterator[Launch | Product]:
        """The gradients of all parameters, from dl/dz of the output layer on."""
        for number in range(len(self.layout.layers) - 1, -1, -1):
            dl_dz, runs = self._z(number), self.pack.runs
            yield multiplied(Product(self._weights(number, gradient=True), dl_dz.turned, self._reads(number), runs))
            if number:
                yield multiplied(Product(self._upper(number), dl_dz, self._weights(number), runs))
                yield self._reverse(number - 1)

    def _read(self) -> Launch:
        arrays, features = self.arrays, self.layout.layers[0].fan_in
        kernel = "read_bytes" if self.stored.dtype == np.uint8 else "read_floats"
        arguments = (
            self.stored, arrays["index"], self._order(), arrays["counters"], arrays["scale"], arrays["shift"],
            *self._masks, arrays["x"], int(self.ordered), self.examples, self.batch, features,
        )  # fmt: skip
        return Launch(kernel, (self.pack.runs, tiles(self.batch, 1)), threads_for(fours(features), THREADS), arguments)

    def _activate(self, number: int) -> Launch:
        layer = self.layout.layers[number]
        arguments = (
            self.arrays[f"z{number}"], self.weights, self.arrays["slope"], *self._masks, self.arrays[f"out{number}"],
            activations().index(layer.activation), layer.rows // layer.units, number, *self._starts(number), self.batch,
            layer.units, self.layout.size,
        )  # fmt: skip
        elements = self.batch * (fours(layer.units) if layer.rows == layer.units else layer.units)
        return Launch("activate", (self.pack.runs, tiles(elements, THREADS)), THREADS, arguments)

    def _reverse(self, number: int) -> Launch:
        layer, arrays = self.layout.layers[number], self.arrays
        bias_start, slope_start = self._starts(number)
        common = (arrays["upper"], arrays[f"z{number}"], self.weights, self.gradients)
        shape: tuple[Argument, ...] = (self.batch, layer.units, self.layout.size)
        blocks = (self.pack.runs, -(-layer.units // TILE))
        if layer.activation == "maxout":
            arguments = (*common, *self._masks, layer.rows // layer.units, number, bias_start, *shape)
            return Launch("reverse_maxout", blocks, THREADS, arguments)
        code = activations().index(layer.activation)
        arguments = (*common, arrays["slope"], *self._masks, code, number, bias_start, slope_start, *shape)
        return Launch("reverse", blocks, THREADS, arguments)

    @property
    def _masks(self) -> tuple[Array, Array, Array]:
        return self.arrays["keys"], self.arrays["thresholds"], self.arrays["scales"]

    def _order(self) -> Array:
        return self.arrays["order"] if self.ordered else self.arrays["index"]

    def _starts(self, number: int) -> tuple[int, int]:
        """Where a layer's biases lie, and its learned slopes, -1 where it learns none."""
        _, biases, slopes = self.layout.starts()[number]
        return biases, slopes if self.layout.layers[number].slopes else -1

    def _weights(self, number: int, gradient: bool = False) -> Matrix:
        layer, start = self.layout.layers[number], self.layout.starts()[number][0]
        buffer = self.gradients if gradient else self.weights
        return Matrix(buffer, self.layout.size, layer.rows, layer.fan_in, start)

    def _z(self, number: int) -> Matrix:
        return self._of_batch(f"z{number}", self.layout.layers[number].rows)

    def _reads(self, number: int) -> Matrix:
        """What a layer reads: the minibatch, or what the layer before it put out."""
        layer: LayerShape = self.layout.layers[number]
        return self._of_batch(f"out{number - 1}" if number else "x", layer.fan_in)

    def _upper(self, number: int) -> Matrix:
        return self._of_batch("upper", self.layout.layers[number].fan_in)

    def _of_batch(self, name: str, columns: int) -> Matrix:
        return Matrix(self.arrays[name], self.batch * columns, self.batch, columns)
