"""The network of a group of runs: forward pass, and the reversed network that carries dl/dy back to every layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.engine.backend import Array, module_of, zeros
from workbench.engine.layers.dense import Layer
from workbench.engine.training.layout import Layout


class Network:
    """`runs` networks of one architecture over one parameter buffer, with buffers for one batch size.

    parameters (runs, size) and gradients (runs, size), or None where only outputs are wanted; slope (runs,) for leaky
    ReLU.
    """

    def __init__(
        self,
        layout: Layout,
        parameters: Array,
        gradients: Array | None,
        slope: Array,
        batch: int,
        dropout: bool = False,
    ) -> None:
        xp, runs, dtype = module_of(parameters), len(parameters), parameters.dtype
        gradient_views = layout.views(gradients) if gradients is not None else [None] * len(layout.layers)
        self.layers = [
            Layer(shape, view, gradient, slope[:, None, None], batch)
            for shape, view, gradient in zip(layout.layers, layout.views(parameters), gradient_views, strict=True)
        ]
        self.inputs = zeros((runs, batch, layout.layers[0].fan_in), dtype, xp)
        hidden = [shape.units for shape in layout.layers[:-1]]
        # What the next layer reads, where a mask has been over it; and dl/da of the layer the backward pass is at.
        self._masked = [zeros((runs, batch, units), dtype, xp) if dropout else None for units in hidden]
        self._dl_da = zeros((runs, batch, hidden[0]), dtype, xp) if hidden and gradients is not None else None
        self._masks: Sequence[Array | None] = ()

    def forward(self, masks: Sequence[Array | None] = ()) -> Array:
        """The output layer's z, (runs, batch, outputs), for what stands in `inputs`, (runs, batch, features).

        `masks` holds one array for the inputs and one for each hidden layer: 0 where a unit is dropped, 1 / (share
        kept) elsewhere; None where the layer drops nothing. Without masks every unit is used.
        """
        self._masks = masks or [None] * len(self.layers)
        x = self.inputs
        if self._masks[0] is not None:
            np.multiply(x, self._masks[0], out=x)
        for layer, mask, masked in zip(self.layers, self._masks[1:], self._masked, strict=False):
            x = layer.forward(x)
            if mask is not None:
                x = np.multiply(x, mask, out=masked)
        return self.layers[-1].forward(x)

    def backward(self, delta: Array) -> None:
        """Write the gradients of all parameters, given dl/dz of the output layer, (runs, batch, outputs)."""
        dl_dz = delta
        for number in range(len(self.layers) - 1, 0, -1):
            self.layers[number].write_gradients(dl_dz)
            dl_da = self.layers[number].through_weights(dl_dz, out=self._dl_da)
            mask = self._masks[number]
            if mask is not None:
                np.multiply(dl_da, mask, out=dl_da)
            dl_dz = self.layers[number - 1].through_activation(dl_da)
        self.layers[0].write_gradients(dl_dz)

    def input_gradient(self, delta: Array) -> Array:
        """dl/dx (runs, batch, features) after `backward(delta)` without masks."""
        first = self.layers[0]
        dl_dz = delta if len(self.layers) == 1 else first.z
        return first.through_weights(dl_dz, out=np.empty_like(first.inputs))
