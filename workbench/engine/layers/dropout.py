"""Dropout: each update trains a thinned network; a unit is dropped with the layer's rate (Srivastava et al. 2014).

The notes multiply the weights by (1 - rate) at test time. Here the units that stay are divided by (1 - rate) while
training, which is the same network in other units and leaves nothing to do at test time; the tests show that both
agree.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.backend import Array, zeros
from workbench.engine.training.randomness import Purpose, keys, lanes

LEVELS = 65536  # a unit is dropped where 16 random bits fall below rate * LEVELS


def dropped_levels(rate: np.ndarray) -> np.ndarray:
    """Of `LEVELS` equally likely draws those that drop a unit, for a rate below 1: never all of them."""
    return np.minimum(np.rint(rate * LEVELS), LEVELS - 1)


class Dropout:
    """Masks for the inputs and the hidden layers of a group of runs.

    rates: one (runs,) array for the inputs and one for each hidden layer, share dropped; units: their widths.
    """

    def __init__(self, rates: list[np.ndarray], units: list[int], batch: int, dtype: np.dtype, xp: object) -> None:
        self._xp = xp
        dropped = [dropped_levels(rate) for rate in rates]
        self._threshold = [_on(xp, value.astype(np.uint16))[:, None] for value in dropped]
        # Divided by the share the threshold really keeps, so that the mean stays right whatever the rate.
        self._scale = [_on(xp, (LEVELS / (LEVELS - value)).astype(dtype))[:, None] for value in dropped]
        self.masks = [
            zeros((len(value), batch, width), dtype, xp) if value.any() else None
            for value, width in zip(dropped, units, strict=True)
        ]

    @property
    def any(self) -> bool:
        """Whether any run drops anything."""
        return any(mask is not None for mask in self.masks)

    def draw(self, streams: Array) -> list[Array | None]:
        """Fresh masks, (runs, batch, units) each, for the keys of this step, (layers, runs).

        None stands for a layer in which no run drops anything.
        """
        for mask, stream, threshold, scale in zip(self.masks, streams, self._threshold, self._scale, strict=True):
            if mask is not None:
                flat = mask.reshape(len(mask), -1)
                np.multiply(lanes(stream, flat.shape[1], self._xp) >= threshold, scale, out=flat)
        return self.masks


def mask_keys(seeds: np.ndarray, layers: int, steps: np.ndarray, purpose: Purpose = Purpose.DROPOUT) -> np.ndarray:
    """The keys of the masks of each step: (steps, layers, runs) uint64."""
    return keys(seeds[None, None, :], purpose, step=steps[:, None, None], part=np.arange(layers)[None, :, None])


def _on(xp: object, array: np.ndarray) -> Array:
    return xp.asarray(array)  # type: ignore[attr-defined]
