"""One layer of neurons and its two passes.

Forward: z = W x + b, a = activation(z). What the layer reads, x, is kept: it is dz/dw (the notes' forward pass).
Backward: dl/da, coming from behind, times the gain sigma'(z) is dl/dz; dl/dz times x is dl/dW; and W transposed carries
dl/dz on to the layer before: the same layer of the reversed network (the notes' backward pass).
"""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, module_of, zeros
from workbench.engine.rules.activations import ACTIVATIONS
from workbench.engine.training.layout import LayerShape, Parameters


class Layer:
    """A layer of every run of a group, with buffers for one batch size.

    `slope` (runs, 1, 1) is the fixed slope left of zero of leaky ReLU; parametric ReLU has its own among the
    parameters.
    """

    def __init__(
        self, shape: LayerShape, parameters: Parameters, gradients: Parameters | None, slope: Array, batch: int
    ) -> None:
        self.activation = ACTIVATIONS[shape.activation]
        self.weights, self.biases, learned = parameters
        self.gradients = gradients
        self.slope = slope if learned is None else learned[:, None, :]
        xp, dtype, runs = module_of(self.weights), self.weights.dtype, len(self.weights)
        self.z = zeros((runs, batch, shape.rows), dtype, xp)
        # A layer without an activation is its own z: the output layer's belongs to the loss.
        self.a = self.z if shape.activation == "identity" else zeros((runs, batch, shape.units), dtype, xp)
        self.ones = xp.ones((1, batch), dtype)

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, fan_in) -> a (runs, batch, units)."""
        self.inputs = inputs
        np.matmul(inputs, self.weights.swapaxes(1, 2), out=self.z)
        np.add(self.z, self.biases[:, None, :], out=self.z)
        if self.a is not self.z:
            self.activation.forward(self.z, self.slope, out=self.a)
        return self.a

    def through_activation(self, dl_da: Array) -> Array:
        """dl/da (runs, batch, units) -> dl/dz (runs, batch, rows), which takes the place of z."""
        if self.gradients is not None and self.gradients.slopes is not None:
            slope_derivative = self.activation.slope_derivative
            assert slope_derivative is not None
            self.gradients.slopes[...] = (dl_da * slope_derivative(self.z)).sum(axis=1)
        self.activation.backward(dl_da, self.z, self.a, self.slope, out=self.z)
        return self.z

    def write_gradients(self, dl_dz: Array) -> None:
        """dl/dW = (dl/dz)^T x and dl/db, summed over the batch: backward factor times forward factor."""
        assert self.gradients is not None
        np.matmul(dl_dz.swapaxes(1, 2), self.inputs, out=self.gradients.weights)
        np.matmul(self.ones, dl_dz, out=self.gradients.biases[:, None, :])  # a product with ones is the fastest sum

    def through_weights(self, dl_dz: Array, out: Array) -> Array:
        """dl/dz (runs, batch, rows) -> dl/dx (runs, batch, fan_in), written to `out`."""
        np.matmul(dl_dz, self.weights, out=out)
        return out
