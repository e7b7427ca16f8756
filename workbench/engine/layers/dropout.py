"""Dropout: each update trains a thinned network; a unit is dropped with the layer's rate (Srivastava et al. 2014).

The notes multiply the weights by (1 - rate) at test time. Here the kept units are divided by (1 - rate) during training
(inverted dropout). It is the same network up to scale and needs nothing at test time; the tests show that both agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import ModuleType
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array, zeros
from workbench.engine.layers.base import Batch, BoundLayer, Layer, Parameters, Shape
from workbench.engine.training.randomness import Purpose, keys, lanes

LEVELS = 65536  # a unit is dropped if 16 random bits are below rate * LEVELS


@dataclass(frozen=True)
class Dropout(Layer):
    """Multiplies the inputs of the next layer by a mask. `rate` names the column of the pack that holds the dropout
    rate.

    `of_channels`: of an image, whole channels are dropped. `in_place`: the mask is applied to the input array itself,
    which nothing else reads.
    """

    rate: str = "dropout_rate"
    in_place: bool = False
    of_channels: bool = False

    forms: ClassVar[Mapping[str, str]] = {"compiled": "masks", "cuda": "passes"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of features, of the units of an image and of its channels."""
        return [
            Dropout((5,)),
            Dropout((3, 2, 4)),
            Dropout((3, 2, 4), "channel_dropout_rate", of_channels=True),
            Dropout((4,), "input_dropout_rate", in_place=True),
        ]

    @property
    def outputs(self) -> Shape:
        """The shape of its inputs."""
        return self.inputs

    @property
    def mask_shape(self) -> Shape:
        """The shape of one example's mask: a number for each unit, or each channel."""
        return (*[1] * (len(self.inputs) - 1), self.inputs[-1]) if self.of_channels else self.inputs

    @property
    def buffers(self) -> int:
        """The mask, and the masked inputs unless these overwrite the inputs."""
        return prod(self.mask_shape) + (0 if self.in_place else prod(self.inputs))

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundDropout:  # noqa: ARG002
        """The layer of every run."""
        return BoundDropout(self, batch)


class BoundDropout(BoundLayer):
    """Dropout of every run. `mask` (runs, batch, *mask_shape): 0 where a unit is dropped, 1 / (share kept) elsewhere;
    None if no run drops anything; then all inputs pass.
    """

    def __init__(self, layer: Dropout, batch: Batch) -> None:
        self.layer = layer
        self.mask: Array | None = None
        self._masked = None if layer.in_place else batch.zeros(layer.inputs)

    def forward(self, inputs: Array) -> Array:
        """The masked inputs: (runs, batch, *inputs) -> the same shape."""
        self.inputs = self.a = inputs
        if self.mask is not None:
            self.a = np.multiply(inputs, self.mask, out=inputs if self._masked is None else self._masked)
        return self.a

    def backward(self, dl_da: Array) -> None:
        """Keep dl/da (runs, batch, *inputs) for `pass_back`; there are no parameters."""
        self._dl_da = dl_da

    def pass_back(self, out: Array) -> Array:
        """dl/dx (runs, batch, *inputs): dl/da times the mask."""
        if self.mask is None:
            out[...] = self._dl_da
            return out
        return np.multiply(self._dl_da, self.mask, out=out)


class Masks:
    """Draws the masks of some dropout layers for a group of runs.

    `columns` are the pack's, (runs,) each; `batch` is how many examples a minibatch has; the masks have this dtype and
    belong to the module `xp`.
    """

    def __init__(
        self, layers: Sequence[Dropout], columns: Mapping[str, np.ndarray], batch: int, dtype: np.dtype, xp: ModuleType
    ) -> None:
        self._xp = xp
        dropped = [dropped_levels(columns[layer.rate]) for layer in layers]
        self._threshold = [_on(xp, value.astype(np.uint16))[:, None] for value in dropped]
        # Divided by the share that the 16-bit threshold keeps, so that the mean is exact at every rate.
        self._scale = [_on(xp, (LEVELS / (LEVELS - value)).astype(dtype))[:, None] for value in dropped]
        self.masks = [
            zeros((len(value), batch, *layer.mask_shape), dtype, xp) if value.any() else None
            for value, layer in zip(dropped, layers, strict=True)
        ]

    @property
    def any(self) -> bool:
        """Whether any run drops anything."""
        return any(mask is not None for mask in self.masks)

    def draw(self, streams: Array) -> list[Array | None]:
        """Fresh masks, (runs, batch, *mask_shape) each, for the keys of this step, (layers, runs).

        A layer in which no run drops anything has None.
        """
        for mask, stream, threshold, scale in zip(self.masks, streams, self._threshold, self._scale, strict=True):
            if mask is not None:
                flat = mask.reshape(len(mask), -1)
                np.multiply(lanes(stream, flat.shape[1], self._xp) >= threshold, scale, out=flat)
        return self.masks


def dropped_levels(rate: np.ndarray) -> np.ndarray:
    """How many of the `LEVELS` equally likely draws drop a unit, never all: rates below 1, (runs,) -> (runs,)."""
    return np.minimum(np.rint(rate * LEVELS), LEVELS - 1)


def levels_by_run(layers: Sequence[Dropout], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """`dropped_levels` of every layer of every run: columns of (runs,) -> (layers, runs)."""
    return np.stack([dropped_levels(columns[layer.rate]) for layer in layers])


def mask_keys(seeds: np.ndarray, layers: int, steps: np.ndarray, purpose: Purpose = Purpose.DROPOUT) -> np.ndarray:
    """The keys of the masks of each step: (steps, layers, runs) uint64."""
    return keys(seeds[None, None, :], purpose, step=steps[:, None, None], part=np.arange(layers)[None, :, None])


def _on(xp: ModuleType, array: np.ndarray) -> Array:
    return xp.asarray(array)
