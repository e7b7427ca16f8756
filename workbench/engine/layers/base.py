"""The contract of a layer. Every kind of layer is one file; `LAYERS` is the table of kinds.

A layer comes in two forms. A `Layer` is a value without arrays: its shapes, its parameters, its cost. Planning, layout,
checkpoints and models use it. A `BoundLayer` is that layer for all runs of a group, with buffers for one batch size. It
is what trains. `tests/engine/test_layers.py` tests both against this contract, on the examples of each kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import ModuleType
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array, zeros

Shape = tuple[int, ...]  # of one example: (features,), or (height, width, channels) of an image
Parameters = dict[str, Array]  # a layer's tensors by name, (runs, *shape) each


@dataclass(frozen=True)
class Tensor:
    """One tensor among the parameters of a layer; `shape` is that of one run.

    Only weights have `fans`, their fan-in and fan-out. An initializer draws weights, penalties act on them, and
    max-norm bounds their rows, each the incoming weights of a neuron. Other tensors `start` at a number, or at the
    run's value in the column of the pack that `start` names.
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
        """The number of its elements in one run."""
        return prod(self.shape)


@dataclass(frozen=True)
class Batch:
    """What a layer is bound to: `runs` batches of `size` examples each, in arrays of one library and dtype.

    `slope` (runs,) is the fixed slope left of zero, for activations that have one.
    """

    runs: int
    size: int
    dtype: np.dtype
    xp: ModuleType
    slope: Array

    def zeros(self, shape: Shape) -> Array:
        """A buffer for every example: (runs, batch, *shape)."""
        return zeros((self.runs, self.size, *shape), self.dtype, self.xp)


@dataclass(frozen=True)
class Layer(ABC):
    """A layer that reads `inputs`, the shape of one example. The further fields of a kind are its settings."""

    inputs: Shape

    # Its form in each kernel except the plain one: the kernel's folder -> the module there. A kernel whose folder is
    # missing here trains no network that has this kind.
    forms: ClassVar[Mapping[str, str]] = {}

    @classmethod
    @abstractmethod
    def examples(cls) -> list[Layer]:
        """A few small layers of this kind, on which the tests check the contract."""

    @property
    @abstractmethod
    def outputs(self) -> Shape:
        """The shape of its output for one example."""

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Its parameters. Layers that have parameters are numbered in probes, checkpoints and the
        tables of a report.
        """
        return ()

    @property
    def steepest(self) -> float:
        """The largest derivative of its activation, against which the probes measure saturation."""
        return 1.0

    @property
    @abstractmethod
    def buffers(self) -> int:
        """How many numbers it keeps for each example once it is bound."""

    @property
    def held(self) -> int:
        """The same in a kernel that lays nothing out twice."""
        return self.buffers

    @property
    def touched(self) -> int:
        """How many numbers a step reads and writes for each example: what has to stay in cache."""
        return prod(self.inputs) + self.buffers

    def work(self, batch: int) -> int:  # noqa: ARG002
        """Roughly the arithmetic of one update of one run, in operations. Packs are trained in order of their cost."""
        return 0

    @abstractmethod
    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundLayer:
        """The layer for all runs, over views of the parameters. Without gradients it has only a forward pass."""


class BoundLayer(ABC):
    """A layer for all runs of a group, with buffers for one batch size that are reused at every step.

    `a` (runs, batch, *outputs) is the output of the last forward pass for `inputs` (runs, batch, *inputs). `backward`
    writes to `gradients`, which are views.
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

        `out` may be the array that was passed to `backward`, if the shapes are equal.
        """

    @property
    def dl_dz(self) -> Array | None:
        """dl/dz after `backward`, where z is the input of the activation; None if the layer has no activation."""
        return None

    def gain(self) -> Array | None:
        """How much of a change passes through each unit, (runs, batch, *outputs); None without an activation."""
        return None
