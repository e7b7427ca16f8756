"""The passes of all runs over one minibatch, as launches: what `network.py` and the layers compute, fused.

A form of a layer is called with a `number`, its place in `computed_layers.py`. This file is the form of dropout, whose
masks are a part of other launches, and of what changes no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from types import ModuleType
from typing import TypeVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.kernels.cuda.codes import CUDA_FORMS, JUDGES, LOSS_CODES, PLACES, THREADS
from workbench.engine.kernels.cuda.computed_layers import (
    ComputedLayer,
    computed_layers,
    first_with_parameters,
    upper_name,
)
from workbench.engine.kernels.cuda.launches import Argument, Launch, Matrix, Product, fours, threads_for, tiles
from workbench.engine.kernels.forms import form_of
from workbench.engine.layers.base import Layer, Shape
from workbench.engine.layers.dense import Dense
from workbench.engine.training.layout import Layout
from workbench.engine.training.pack import Pack
from workbench.engine.training.randomness import Purpose

Kind = TypeVar("Kind", bound=Layer)
FUSED = True  # a block of `fused.cuh` has dropout too


@dataclass(frozen=True)
class Passes:
    """Binds one program's arrays.

    weights and gradients (runs, size); `arrays` by the names of `buffers`; `stored` the inputs, flat; `examples` of
    each run's split; `ordered`: whether an order chooses the examples of each minibatch; `moving` the shape of images
    that move, () if none does.
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
    moving: Shape = ()

    def forward(self) -> Iterator[Launch | Product]:
        """Begin the step, read the minibatch, and compute every layer, of the last one z without biases."""
        arrays, runs = self.arrays, self.pack.runs
        counters, keys = arrays["counters"], arrays["keys"]
        yield Launch("tick", (1, 1), THREADS, (counters, arrays["seeds"], keys, int(Purpose.DROPOUT), len(keys), runs))
        yield self._read()
        for number in range(len(self.layers)):
            yield from self._form(number).forward(self, number)

    def judge(self) -> Launch:
        """Losses and hits of the minibatch, and dl/dz at the output layer times 1 / batch."""
        arrays, last = self.arrays, len(self.layers) - 1
        gradients = self.weights if self.gradients is None else self.gradients
        bias_start, outputs = self.start(last, "biases"), self.layout.outputs
        arguments = (
            arrays[f"z{last}"], self.weights, gradients, arrays["labels"], arrays["values"], self._order(),
            arrays["counters"], arrays["losses"], arrays["hits"], LOSS_CODES.index(self.pack.loss), int(self.ordered),
            int(self.gradients is not None), bias_start, self.examples, self.batch, outputs, self.layout.size,
            1 / self.batch,
        )  # fmt: skip
        return Launch("judge", (self.pack.runs, 1), JUDGES, arguments)

    def backward(self) -> Iterator[Launch | Product]:
        """The gradients of all parameters, from dl/dz of the output layer on."""
        for number in range(len(self.layers) - 1, first_with_parameters(self.layers) - 1, -1):
            yield from self._form(number).backward(self, number)

    def _read(self) -> Launch:
        arrays, features = self.arrays, self.layout.inputs
        number = "bytes" if self.stored.dtype == np.uint8 else "floats"
        read: tuple[Argument, ...] = (
            self.stored, arrays["index"], self._order(), arrays["counters"], arrays["scale"], arrays["shift"],
            *self.masks,
        )  # fmt: skip
        blocks = (self.pack.runs, tiles(self.batch, PLACES))
        if self.moving:
            read += (arrays["seeds"], arrays["shift_pixels"], arrays["x"], int(Purpose.SHIFT))
            moved = (*read, self.examples, self.batch, *self.moving)
            return Launch(f"read_moved_{number}", blocks, threads_for(features, THREADS), moved)
        arguments = (*read, arrays["x"], int(self.ordered), self.examples, self.batch, features)
        return Launch(f"read_{number}", blocks, threads_for(fours(features), THREADS), arguments)

    def _form(self, number: int) -> ModuleType:
        """The device form of a layer."""
        return form_of(self.layer(number), CUDA_FORMS)

    @cached_property
    def layers(self) -> tuple[ComputedLayer, ...]:
        """The layers that compute."""
        return computed_layers(self.layout)

    def layer(self, number: int) -> Layer:
        """The layer of that number."""
        return self.layers[number].layer

    def layer_as(self, number: int, kind: type[Kind]) -> Kind:
        """The same for the form of its kind, which knows it."""
        layer = self.layer(number)
        assert isinstance(layer, kind), f"layer {number} is {type(layer).__name__}, not {kind.__name__}"
        return layer

    def is_last(self, number: int) -> bool:
        """Whether a layer is the output layer, whose z `judge` reads and turns into dl/dz."""
        return number == len(self.layers) - 1

    def passes_back(self, number: int) -> bool:
        """Whether a layer before this one has parameters, and so needs its dl/da."""
        return number > first_with_parameters(self.layers)

    def start(self, number: int, name: str) -> int:
        """Where a tensor of the layer begins within a row of parameters; -1 if it has none of that name."""
        if not any(tensor.name == name for tensor in self.layer(number).tensors):
            return -1
        return self.layout.start(self.layers[number].parameters, name)

    @property
    def masks(self) -> tuple[Array, Array, Array]:
        """Keys, thresholds and scales of every mask."""
        return self.arrays["keys"], self.arrays["thresholds"], self.arrays["scales"]

    def masks_of(self, number: int) -> tuple[int, int]:
        """The rows of the masks that a layer's output is multiplied by: of its units, and of whole channels; or -1."""
        return self.layers[number].units, self.layers[number].channels

    def _order(self) -> Array:
        return self.arrays["order"] if self.ordered else self.arrays["index"]

    def weights_of(self, number: int, gradient: bool = False) -> Matrix:
        """A layer's weights, or their gradient."""
        start, rows, columns = self.layout.rows()[self.layers[number].parameters]
        buffer = self.gradients if gradient else self.weights
        return Matrix(buffer, self.layout.size, rows, columns, start)

    def z(self, number: int) -> Matrix:
        """A dense layer's z, then its dl/dz."""
        return self._of_batch(f"z{number}", self.layer_as(number, Dense).rows)

    def reads(self, number: int) -> Matrix:
        """The input of a layer: the minibatch, or the output of the layer before it."""
        return self._of_batch(f"out{number - 1}" if number else "x", prod(self.layer(number).inputs))

    def upper(self, number: int) -> Matrix:
        """Where a layer writes dl/d inputs, which is dl/da of the layer before it."""
        return self._of_batch(upper_name(self.layer(number)), prod(self.layer(number).inputs))

    def dl_da(self, number: int) -> Array:
        """dl/da of a layer, which the layer behind it has written."""
        return self.upper(number + 1).array

    def _of_batch(self, name: str, columns: int) -> Matrix:
        return Matrix(self.arrays[name], self.batch * columns, self.batch, columns)
