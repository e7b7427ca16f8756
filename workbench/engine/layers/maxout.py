"""Maxout: a unit is the maximum of its pieces, so its activation is learned from data (Goodfellow et al. 2013).

Every piece is a neuron without an activation. The maximum runs over rows and is not elementwise, so every kernel has
code of its own for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.engine.backend import Array
from workbench.engine.layers.base import Batch, Layer, Parameters
from workbench.engine.layers.dense import BoundDense, Dense


@dataclass(frozen=True)
class Maxout(Dense):
    """`units` units of `pieces` neurons each. Rows lie piece by piece: row = piece * units + unit."""

    activation: str = "maxout"
    pieces: int = 2

    forms: ClassVar[Mapping[str, str]] = {"compiled": "maxout", "cuda": "maxout"}

    @classmethod
    def examples(cls) -> list[Layer]:
        """Of two pieces, and of three."""
        return [Maxout((4,), 3), Maxout((3,), 3, pieces=3)]

    @property
    def rows(self) -> int:
        """One row for each piece of every unit."""
        return self.units * self.pieces

    def bind(self, parameters: Parameters, gradients: Parameters | None, batch: Batch) -> BoundMaxout:
        """The layer of every run."""
        return BoundMaxout(self, parameters, gradients, batch)


class BoundMaxout(BoundDense):
    """A maxout layer of every run: z (runs, batch, pieces * units), a (runs, batch, units)."""

    def activate(self, out: Array) -> None:
        """Write a (runs, batch, units), the maximum of each unit's pieces."""
        pieces = self._pieces(self.z)
        out[...] = pieces[0]
        for piece in pieces[1:]:
            np.maximum(out, piece, out=out)

    def reverse(self, dl_da: Array, out: Array) -> None:
        """dl/da (runs, batch, units) -> dl/dz (runs, batch, pieces * units), after a forward pass.

        The largest piece gets dl/da, the first if pieces tie; the others get 0. This is a thin linear network.
        """
        undecided = np.ones_like(self.a, dtype=bool)
        for piece, dl_dpiece in zip(self._pieces(self.z), self._pieces(out), strict=True):
            wins = (piece == self.a) & undecided
            undecided &= ~wins
            np.multiply(dl_da, wins, out=dl_dpiece)

    def gain(self) -> Array:
        """1, (runs, batch, units): all of a change passes through the largest piece."""
        return np.ones_like(self.a)

    def _pieces(self, z: Array) -> list[Array]:
        units = self.layer.units
        return [z[..., start : start + units] for start in range(0, z.shape[-1], units)]
