"""The network of a group of runs: forward pass, and the reversed network that carries dl/dy back to every layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.engine.backend import Array, module_of, zeros
from workbench.engine.layers.base import Batch, BoundLayer
from workbench.engine.layers.dense import BoundDense
from workbench.engine.layers.dropout import BoundDropout, Dropout
from workbench.engine.training.layout import Layout


class Network:
    """`runs` networks of one architecture over one parameter buffer, with buffers for one batch size.

    parameters is (runs, size); gradients is (runs, size), or None for a forward pass only; slope (runs,) is for leaky
    ReLU. Without `dropout` no masks can be given, and every unit is used. `layers` are those of `layout.layers`, bound.
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
        bound_for = Batch(runs, batch, dtype, xp, slope)
        views = iter(layout.views(parameters))
        of_gradients = iter(layout.views(gradients)) if gradients is not None else None
        self._sequence: list[BoundLayer] = []
        for layer in layout.sequence:
            if isinstance(layer, Dropout) and not dropout:
                continue
            own = next(views) if layer.tensors else {}
            slopes = next(of_gradients) if of_gradients is not None and layer.tensors else None
            self._sequence.append(layer.bind(own, slopes, bound_for))
        self.layers: list[BoundLayer] = [bound for bound in self._sequence if bound.layer.tensors]
        self._dropout = [bound for bound in self._sequence if isinstance(bound, BoundDropout)]
        self.inputs = zeros((runs, batch, layout.inputs), dtype, xp)
        self._first = self.inputs.reshape(runs, batch, *layout.sequence[0].inputs)
        self._back = self._way_back(bound_for) if gradients is not None else []

    @property
    def dense_layers(self) -> list[BoundDense]:
        """`layers`, if all are dense or maxout layers. Raises TypeError for another kind."""
        found = [bound for bound in self.layers if isinstance(bound, BoundDense)]
        if len(found) < len(self.layers):
            raise TypeError("a layer of the network is not dense")
        return found

    def forward(self, masks: Sequence[Array | None] = ()) -> Array:
        """The output layer's z, (runs, batch, outputs), for the content of `inputs`, (runs, batch, features).

        `masks` holds one array for each dropout layer, the inputs' first: 0 where a unit is dropped, 1 / (share kept)
        elsewhere; None if the layer drops nothing. Without masks every unit is used.
        """
        for dropout, mask in zip(self._dropout, masks or [None] * len(self._dropout), strict=True):
            dropout.mask = mask
        x = self._first
        for layer in self._sequence:
            x = layer.forward(x)
        return x

    def backward(self, delta: Array) -> None:
        """Write the gradients of all parameters, given dl/dz of the output layer, (runs, batch, outputs)."""
        dl_da = delta
        for layer, out in self._back:
            layer.backward(dl_da)
            if out is not None:
                dl_da = layer.pass_back(out)

    def input_gradient(self) -> Array:
        """dl/dx (runs, batch, features) after a backward pass without masks."""
        first = self._sequence.index(self.layers[0])
        dl_da = self.layers[0].pass_back(np.empty_like(self.layers[0].inputs))
        for layer in reversed(self._sequence[:first]):
            layer.backward(dl_da)
            dl_da = layer.pass_back(np.empty_like(layer.inputs))
        return dl_da.reshape(self.inputs.shape)

    def _way_back(self, bound_for: Batch) -> list[tuple[BoundLayer, Array | None]]:
        """The layers from the last to the first that has parameters, and where each writes dl/d inputs.

        Inputs of equal shapes share one buffer. The gradient of the first layer's inputs is not needed.
        """
        first = self._sequence.index(self.layers[0])
        behind = self._sequence[:first:-1]
        buffers = {shape: bound_for.zeros(shape) for shape in {bound.layer.inputs for bound in behind}}
        return [*((bound, buffers[bound.layer.inputs]) for bound in behind), (self._sequence[first], None)]
