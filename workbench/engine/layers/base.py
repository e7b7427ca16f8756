"""What a layer is: the contract that every kind fills in, one file a kind. `LAYERS` is the table of them.

A layer comes in two forms. A `Layer` is a value without arrays: its shapes, its parameters, what it takes. It is what
planning, layout, checkpoints and models ask. A `BoundLayer` is that layer for every run of a group, with buffers for
one batch size: what trains. Both are held to this contract by `tests/engine/test_layers.py`, on the kind's examples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from workbench.engine.backend import Array, zeros

Shape = tuple[int, ...]  # of one example: (features,), or (height, width, channels) of an image
Parameters = dict[str, Array]  # a layer's tensors by name, (runs, *shape) each


@dataclass(frozen=True)
class Tensor:
    """One tensor among the parameters of a layer, of the shape that each run has of it.

    `fans` are fan-in and fan-out of weights, the tensor that is named so: an initializer draws it, penalties act on it,
    and max-norm bounds its rows, each a neuron's incoming weights. Other tensors have none, and `start` at a number, or
    at the number of the run in that column of the pack.
    """

    name: str
    shape: Shape
    fans: tuple[int, int] | None = None
    start: float | str = 0.0

    @property
    def is_weights(self) -> bool:
        """Whether these are weights."""
        return self.fans is not None

    @property
    def size(self) -> int:
        """How many numbers a run has of it."""
        return prod(self.shape)


@dataclass(frozen=True)
class Batch:
    """What a layer is bound for: so many `runs` of `size` examples each, in the arrays of one library and dtype.

    `slope` (runs,) is the fixed slope left of zero that a run gives the activations that have one.
    """

    runs: int
    size: int
    dtype: np.dtype
    xp: Any
    slope: Array

    def zeros(self, shape: Shape) -> Array:
        """A buffer for every example: (runs, batch, *shape)."""
        return zeros((self.runs, self.size, *shape), self.dtype, self.xp)


@dataclass(frozen=True)
class Layer(ABC):
    """A layer that reads `inputs`, the shape of one example. The further fields of a kind are its settings."""

    inputs: Shape

    # Its form in each kernel but the plain one: the kernel's folder -> the module there. A kernel whose folder is
    # missing here takes no network that has this kind.
    forms: ClassVar[Mapping[str, str]] = {}

    @classmethod
    @abstractmethod
    def examples(cls) -> list[Layer]:
        """A few small layers of this kind, on which the tests hold it to the contract."""

    @property
    @abstractmethod
    def outputs(self) -> Shape:
        """The shape of what it makes of one example."""

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Its parameters. Layers that have some are numbered: by probes, checkpoints and the tables of a report."""
        return ()

    @property
    def steepest(self) -> float:
        """The largest derivative of its activation, against which the probes measure saturation."""
        return 1.0

    @property
    @abstractmethod
    def buffers(self) -> int:
        """How many numbers of an example it keeps once it is bound."""

    @property
    def touched(self) -> int:
        """How many numbers of an example a step reads and writes: what has to stay in cache."""
        return prod(self.inputs) + self.buffers

    def work(self, batch: int) -> int:  # noqa: ARG002
        """Roughly the arithmetic of one update of one run, in operations: packs are trained in order of their cost."""
        return 0

    @abstractmethod
    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundLayer:
        """The layer of every run, over views of the parameters. Without gradients it only goes forward."""


class BoundLayer(ABC):
    """A layer of every run of a group, with buffers for one batch size, the same ones at every step.

    `a` (runs, batch, *outputs) is what the last forward pass made of `inputs` (runs, batch, *inputs); `gradients` are
    views of what `backward` writes.
    """

    layer: Layer
    gradients: Parameters | None = None
    inputs: Array
    a: Array

    @abstractmethod
    def forward(self, inputs: Array) -> Array:
        """(runs, batch, *inputs) -> a (runs, batch, *outputs)."""

    @abstractmethod
    def backward(self, dl_da: Array) -> None:
        """Write the gradients of its parameters, summed over the batch, given dl/da (runs, batch, *outputs)."""

    @abstractmethod
    def pass_back(self, out: Array) -> Array:
        """dl/d inputs after `backward`, written to `out` (runs, batch, *inputs).

        `out` may be the very array that `backward` was given, if the shapes are equal.
        """

    @property
    def dl_dz(self) -> Array | None:
        """dl/dz after `backward`, z being what the activation is applied to; None if the layer has no activation."""
        return None

    def gain(self) -> Array | None:
        """How much of a change passes through each unit, (runs, batch, *outputs); None without an activation."""
        return None
