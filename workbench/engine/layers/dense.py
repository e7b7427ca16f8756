"""A dense layer: each neuron reads every input. Its forward and backward pass.

Forward: z = W x + b, a = activation(z). The input x is kept, since it is dz/dw (the notes' forward pass). Backward:
dl/dz is dl/da, which comes from the next layer, times the gain sigma'(z). dl/dW is dl/dz times x. W transposed carries
dl/dz to the previous layer: this is the layer of the reversed network (the notes' backward pass).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape, Tensor
from workbench.engine.rules.activations import ACTIVATIONS


@dataclass(frozen=True)
class Dense(Layer):
    """`units` neurons reading `inputs` (features,), with a row of `ACTIVATIONS`.

    weights (rows, features), a row for each neuron; biases (rows,); slopes (units,) if the activation learns them. Here
    a unit has one row.
    """

    units: int
    activation: str = "identity"

    forms: ClassVar[Mapping[str, str]] = {"compiled": "dense", "cuda": "dense"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Without an activation, with a smooth one, and with slopes that are learned."""
        return [Dense((4,), 3), Dense((4,), 5, "tanh"), Dense((3,), 3, "softplus"), Dense((4,), 5, "prelu")]

    @property
    def fan_in(self) -> int:
        """How many numbers a neuron reads."""
        (features,) = self.inputs
        return features

    @property
    def rows(self) -> int:
        """Rows of the weights. Each row is a neuron and has a z."""
        return self.units

    @property
    def outputs(self) -> Shape:
        """One number for each unit."""
        return (self.units,)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Weights, biases and learned slopes."""
        # Gradients come back from units, not from rows: fan-out counts units.
        weights = Tensor("weights", (self.rows, self.fan_in), fans=(self.fan_in, self.units))
        biases = Tensor("biases", (self.rows,))
        if ACTIVATIONS[self.activation].slope_derivative is None:
            return weights, biases
        return weights, biases, Tensor("slopes", (self.units,), start="slope")

    @property
    def steepest(self) -> float:
        """That of the activation."""
        return ACTIVATIONS[self.activation].steepest

    @property
    def buffers(self) -> int:
        """z and a; without an activation they are the same buffer."""
        return self.rows + (0 if self.activation == "identity" else self.units)

    @property
    def touched(self) -> int:
        """Its inputs, z in both passes, and its outputs."""
        return self.fan_in + 2 * self.rows + self.units

    def work(self, batch: int) -> int:
        """Three products, the optimizer's passes over the weights, and those over the activations."""
        return self.rows * self.fan_in * (6 * batch + 30) + 40 * batch * self.rows

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundDense:
        """The layer of every run."""
        return BoundDense(self, parameters, gradients, batch)


def as_dense(layer: Layer) -> Dense:
    """A layer that is dense, maxout included. Raises TypeError for another kind."""
    if not isinstance(layer, Dense):
        raise TypeError(f"a layer of kind {type(layer).__name__} has no rows of weights")
    return layer


class BoundDense(BoundLayer):
    """A dense layer for all runs: z (runs, batch, rows), a (runs, batch, units). `backward` overwrites z with dl/dz."""

    layer: Dense

    def __init__(self, layer: Dense, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> None:
        self.layer, self.activation = layer, ACTIVATIONS[layer.activation]
        self.weights, self.biases, self.gradients = parameters["weights"], parameters["biases"], gradients
        learned = parameters.get("slopes")
        self.slope = batch.slope[:, None, None] if learned is None else learned[:, None, :]
        self.z = batch.zeros((layer.rows,))
        # Without an activation a is z. The output layer has none: its activation belongs to the loss.
        self.a = self.z if layer.activation == "identity" else batch.zeros(layer.outputs)
        self.ones = batch.xp.ones((1, batch.size), batch.dtype)

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, features) -> a (runs, batch, units)."""
        self.inputs = inputs
        np.matmul(inputs, self.weights.swapaxes(1, 2), out=self.z)
        np.add(self.z, self.biases[:, None, :], out=self.z)
        if self.a is not self.z:
            self.activate(out=self.a)
        return self.a

    def backward(self, dl_da: Array) -> None:
        """dl/dW = (dl/dz)^T x and dl/db, summed over the batch: backward factor times forward factor.

        dl_da is (runs, batch, units).
        """
        gradients = self.gradients
        assert gradients is not None
        if self.a is self.z:
            self.z[...] = dl_da
        else:
            if "slopes" in gradients:
                assert self.activation.slope_derivative is not None
                gradients["slopes"][...] = (dl_da * self.activation.slope_derivative(self.z)).sum(axis=1)
            self.reverse(dl_da, out=self.z)
        np.matmul(self.z.swapaxes(1, 2), self.inputs, out=gradients["weights"])
        np.matmul(self.ones, self.z, out=gradients["biases"][:, None, :])  # a product with ones is the fastest sum

    def pass_back(self, out: Array) -> Array:
        """dl/dx = dl/dz W: (runs, batch, features)."""
        np.matmul(self.z, self.weights, out=out)
        return out

    @property
    def dl_dz(self) -> Array:
        """(runs, batch, rows)."""
        return self.z

    def activate(self, out: Array) -> None:
        """Write a (runs, batch, units) for the z of the last forward pass."""
        self.activation.forward(self.z, self.slope, out=out)

    def reverse(self, dl_da: Array, out: Array) -> None:
        """dl/da (runs, batch, units) -> dl/dz (runs, batch, rows), after a forward pass. `out` may be z itself."""
        self.activation.backward(dl_da, self.z, self.a, self.slope, out=out)

    def gain(self) -> Array:
        """The derivative of the activation: (runs, batch, units)."""
        return self.activation.gain(self.z, self.a, self.slope)
