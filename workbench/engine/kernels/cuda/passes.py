"""The passes of all runs over one minibatch, as launches: what `network.py` and the layers compute, fused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.kernels.cuda.codes import CUDA_FORMS, JUDGES, LOSS_CODES, PLACES, THREADS
from workbench.engine.kernels.cuda.launches import Launch, Matrix, Product, fours, threads_for, tiles
from workbench.engine.kernels.forms import form_of
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose


@dataclass(frozen=True)
class Passes:
    """Binds one program's arrays.

    weights and gradients (runs, size); `arrays` by the names of `buffers`; `stored` the inputs, flat; `examples` of
    each run's split; `ordered`: whether an order chooses the examples of each minibatch.
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
        """Begin the step, read the minibatch, and compute z without biases for every layer, the last one included."""
        arrays, runs = self.arrays, self.pack.runs
        counters, keys = arrays["counters"], arrays["keys"]
        yield Launch("tick", (1, 1), THREADS, (counters, arrays["seeds"], keys, int(Purpose.DROPOUT), len(keys), runs))
        yield self._read()
        for number in range(len(self.layout.layers)):
            yield from self._form(number).forward(self, number)

    def judge(self) -> Launch:
        """Losses and hits of the minibatch, and dl/dz at the output layer times 1 / batch."""
        arrays, last = self.arrays, len(self.layout.layers) - 1
        gradients = self.weights if self.gradients is None else self.gradients
        bias_start, outputs = self.layout.start(last, "biases"), self.layout.outputs
        arguments = (
            arrays[f"z{last}"], self.weights, gradients, arrays["labels"], arrays["values"], self._order(),
            arrays["counters"], arrays["losses"], arrays["hits"], LOSS_CODES.index(self.pack.loss), int(self.ordered),
            int(self.gradients is not None), bias_start, self.examples, self.batch, outputs, self.layout.size,
            1 / self.batch,
        )  # fmt: skip
        return Launch("judge", (self.pack.runs, 1), JUDGES, arguments)

    def backward(self) -> Iterator[Launch | Product]:
        """The gradients of all parameters, from dl/dz of the output layer on."""
        for number in range(len(self.layout.layers) - 1, -1, -1):
            yield from self._form(number).backward(self, number)

    def _read(self) -> Launch:
        arrays, features = self.arrays, self.layout.inputs
        kernel = "read_bytes" if self.stored.dtype == np.uint8 else "read_floats"
        arguments = (
            self.stored, arrays["index"], self._order(), arrays["counters"], arrays["scale"], arrays["shift"],
            *self.masks, arrays["x"], int(self.ordered), self.examples, self.batch, features,
        )  # fmt: skip
        blocks = (self.pack.runs, tiles(self.batch, PLACES))
        return Launch(kernel, blocks, threads_for(fours(features), THREADS), arguments)

    def _form(self, number: int) -> ModuleType:
        """The device form of a layer."""
        return form_of(self.layout.layers[number], CUDA_FORMS)

    def is_last(self, number: int) -> bool:
        """Whether a layer is the output layer, whose z `judge` reads and turns into dl/dz."""
        return number == len(self.layout.layers) - 1

    @property
    def masks(self) -> tuple[Array, Array, Array]:
        """Keys, thresholds and scales of every mask."""
        return self.arrays["keys"], self.arrays["thresholds"], self.arrays["scales"]

    def _order(self) -> Array:
        return self.arrays["order"] if self.ordered else self.arrays["index"]

    def weights_of(self, number: int, gradient: bool = False) -> Matrix:
        """A layer's weights, or their gradient."""
        start, rows, columns = self.layout.rows()[number]
        buffer = self.gradients if gradient else self.weights
        return Matrix(buffer, self.layout.size, rows, columns, start)

    def z(self, number: int) -> Matrix:
        """A layer's z, then its dl/dz."""
        return self._of_batch(f"z{number}", self.layout.dense_layers[number].rows)

    def reads(self, number: int) -> Matrix:
        """The input of a layer: the minibatch, or the output of the layer before it."""
        return self._of_batch(f"out{number - 1}" if number else "x", *self.layout.layers[number].inputs)

    def upper(self, number: int) -> Matrix:
        """Where a layer writes dl/d inputs, which is dl/da of the layer before it."""
        return self._of_batch("upper", *self.layout.layers[number].inputs)

    def _of_batch(self, name: str, columns: int) -> Matrix:
        return Matrix(self.arrays[name], self.batch * columns, self.batch, columns)
