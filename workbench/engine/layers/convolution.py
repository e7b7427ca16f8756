"""A convolutional layer: each unit reads a patch of the image, and all units of a channel share their weights.

Forward: the patch of every place is laid out as a row, and the layer's neurons read the rows as a dense layer reads
examples: z = W x + b, a = activation(z). There is one neuron for each channel, so a channel has the same weights at
every place. Backward: the gradients of shared weights are summed over all places, as a dense layer sums them over
examples. W transposed carries dl/dz back to the pixels of each patch, and a pixel sums what it gets from every patch it
is in. Seen from the pixel this is again a convolution, with the weights turned by 180 degrees: the layer of the
reversed network. (LeCun et al. 1989)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import ClassVar

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape, Tensor
from workbench.engine.layers.dense import Dense
from workbench.engine.layers.maxout import Maxout
from workbench.engine.layers.windows import pixels_before, places_along, reached
from workbench.engine.rules.activations import ACTIVATIONS

PADDINGS = ("same", "valid")
NEURONS: Mapping[str, type[Dense]] = {"dense": Dense, "maxout": Maxout}  # the kinds of layers that may read patches


@dataclass(frozen=True)
class Convolution(Layer):
    """`units` channels over `inputs` (height, width, channels), each a filter of `kernel` x `kernel` pixels.

    A window starts at every `stride`-th pixel. With padding "same" the image continues as zeros beyond its border, and
    stride 1 keeps its size; with "valid" every window lies within it. `pieces` matters only if the activation reads it.

    weights (rows, kernel, kernel, channels); biases (rows,); slopes (units,) if the activation learns them.
    """

    units: int
    kernel: int
    activation: str = "identity"
    stride: int = 1
    padding: str = "same"
    pieces: int = 2

    forms: ClassVar[Mapping[str, str]] = {"compiled": "convolution", "cuda": "convolution"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of either padding, with strides, an even kernel, one larger than the image, learned slopes and maxout."""
        return [
            Convolution((4, 3, 2), 3, 3, "tanh"),
            Convolution((5, 4, 1), 2, 3, "prelu", stride=2),
            Convolution((4, 4, 2), 2, 2, "softplus", padding="valid"),
            Convolution((5, 5, 1), 2, 2, "identity", stride=2, padding="valid"),
            Convolution((2, 1, 2), 2, 4, "sigmoid"),
            Convolution((3, 3, 1), 2, 2, "maxout", pieces=3),
        ]

    @property
    def neurons(self) -> Dense:
        """The dense layer that reads the patches."""
        kind = NEURONS[ACTIVATIONS[self.activation].layer]
        settings = {"pieces": self.pieces} if kind is Maxout else {}
        return kind((self.kernel**2 * self.inputs[-1],), self.units, self.activation, **settings)

    @property
    def before(self) -> tuple[int, int]:
        """How many pixels above and to the left of the image the first window begins."""
        height, width = (pixels_before(size, self.kernel, self.stride, self.padding) for size in self.inputs[:2])
        return height, width

    @property
    def places(self) -> tuple[int, int]:
        """How many windows there are, down and across."""
        height, width = (places_along(size, self.kernel, self.stride, self.padding) for size in self.inputs[:2])
        return height, width

    @property
    def outputs(self) -> Shape:
        """A number for each place and channel."""
        return (*self.places, self.units)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Those of its neurons. A weight has its place within the patch; fan-in is the size of a patch."""
        weights, *others = self.neurons.tensors
        fans = self.neurons.fan_in, self.kernel**2 * self.units
        shape = weights.shape[0], self.kernel, self.kernel, self.inputs[-1]
        return replace(weights, shape=shape, fans=fans), *others

    @property
    def steepest(self) -> float:
        """That of the activation."""
        return self.neurons.steepest

    @property
    def buffers(self) -> int:
        """The patches, and what its neurons keep at every place."""
        return prod(self.places) * (self.neurons.fan_in + self.neurons.buffers)

    @property
    def held(self) -> int:
        """Without the patches."""
        return prod(self.places) * self.neurons.buffers

    @property
    def largest_map(self) -> int:
        """The largest size of its inputs, its z and its outputs, for one example."""
        return max(prod(self.inputs), prod(self.places) * max(self.neurons.rows, self.units))

    def work(self, batch: int) -> int:
        """That of its neurons, to which every place is an example."""
        return self.neurons.work(batch * prod(self.places))

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundConvolution:
        """The layer of every run."""
        return BoundConvolution(self, parameters, gradients, batch)


class BoundConvolution(BoundLayer):
    """A convolutional layer of every run: patches (runs, batch, *places, kernel, kernel, channels), z (runs, batch,
    *places, rows), a (runs, batch, *places, units). `backward` overwrites z with dl/dz, `pass_back` the patches.
    """

    layer: Convolution

    def __init__(self, layer: Convolution, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> None:
        self.layer, self.gradients = layer, gradients
        self.patches = batch.zeros((*layer.places, layer.kernel, layer.kernel, layer.inputs[-1]))
        rows = batch.runs, batch.size * prod(layer.places)
        self._rows = self.patches.reshape(*rows, layer.neurons.fan_in)
        self.neurons = layer.neurons.bind(
            _as_rows(parameters), None if gradients is None else _as_rows(gradients), replace(batch, size=rows[1])
        )
        self._of_the_image = self._within_the_image()
        places = batch.runs, batch.size, *layer.places
        self.z, self.a = (array.reshape(*places, array.shape[-1]) for array in (self.neurons.z, self.neurons.a))

    def forward(self, inputs: Array) -> Array:
        """(runs, batch, height, width, channels) -> a (runs, batch, *places, units)."""
        self.inputs = inputs
        if self.layer.padding == "same":
            self.patches[...] = 0  # pixels beyond the border read 0
        for patches, pixels in self._of_the_image:
            patches[...] = inputs[pixels]
        self.neurons.forward(self._rows)
        return self.a

    def backward(self, dl_da: Array) -> None:
        """The gradients of the shared weights, summed over places and batch. dl_da is (runs, batch, *places, units)."""
        self.neurons.backward(dl_da.reshape(self.neurons.a.shape))

    def pass_back(self, out: Array) -> Array:
        """dl/dx (runs, batch, height, width, channels): for every pixel the sum over the patches it is in."""
        self.neurons.pass_back(self._rows)
        out[...] = 0
        for patches, pixels in self._of_the_image:
            out[pixels] += patches
        return out

    @property
    def dl_dz(self) -> Array:
        """(runs, batch, *places, rows)."""
        return self.z

    def gain(self) -> Array:
        """The derivative of the activation: (runs, batch, *places, units)."""
        return self.neurons.gain().reshape(self.a.shape)

    def _within_the_image(self) -> list[tuple[Array, tuple[slice, ...]]]:
        """For every pixel of a window: a view of it in those patches where it lies within the image, and its places in
        the image as an index.
        """
        layer, every = self.layer, slice(None)
        found: list[tuple[Array, tuple[slice, ...]]] = []
        for offsets in product(range(layer.kernel), repeat=2):
            axes = zip(offsets, layer.inputs[:2], layer.places, layer.before, strict=True)
            reach = [reached(offset, size, places, layer.stride, before) for offset, size, places, before in axes]
            (rows, pixel_rows), (columns, pixel_columns) = reach
            patches: tuple[slice | int, ...] = (every, every, rows, columns, *offsets)
            found.append((self.patches[patches], (every, every, pixel_rows, pixel_columns)))
        return found


def _as_rows(tensors: Parameters) -> Parameters:
    """Views in which a filter is a row of weights."""
    weights = tensors["weights"]
    return {**tensors, "weights": weights.reshape(*weights.shape[:2], -1)}
