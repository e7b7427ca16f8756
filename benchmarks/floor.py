"""The floor: the matrix products of a training step alone, in sequence, at the step's own shapes. No step is faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.works import Work, layout_of
from workbench.engine.kernels import numba_is_installed

STEPS = 32


def flops_of_step(work: Work) -> int:
    """Multiplications and additions of the products of one update of one run: forward, dL/dW, and dl/dx but of the
    inputs."""
    layers = layout_of(work).layers
    sizes = [layer.rows * layer.fan_in for layer in layers]
    return 2 * work.batch_size * (3 * sum(sizes) - sizes[0])


class Products:
    """Products alone, on one core. A unit is `STEPS` steps of one run.

    They are called as the compiled step calls them where Numba is there, else from Python.
    """

    def __init__(self, work: Work, runs: np.ndarray) -> None:
        layers, draw = layout_of(work).layers, np.random.default_rng(int(runs[0]))
        self._shapes = np.array([(layer.rows, layer.fan_in) for layer in layers], np.int64)
        starts = np.array([starts[0] for starts in layout_of(work).starts()], np.int64)
        size, widest = layout_of(work).size, int(self._shapes.max())
        weights = draw.random(size, np.float32)
        a, z = (draw.random((len(layers), work.batch_size * widest), np.float32) for _ in range(2))
        below = np.empty(work.batch_size * widest, np.float32)
        self._arguments = self._shapes, starts, weights, np.empty_like(weights), a, z, below, work.batch_size
        self._multiply = compiled(multiply) if numba_is_installed() else multiply

    def turn(self, units: int) -> int:
        """Multiply; the updates of single runs whose products were done."""
        self._multiply(*self._arguments, units * STEPS)
        return units * STEPS

    def losses(self) -> dict[tuple[int, int], float]:
        """None: nothing is trained."""
        return {}


def multiply(
    shapes: np.ndarray,
    starts: np.ndarray,
    weights: np.ndarray,
    gradients: np.ndarray,
    a: np.ndarray,
    z: np.ndarray,
    below: np.ndarray,
    batch: int,
    steps: int,
) -> None:
    """The products of so many steps of one run. shapes (layers, 2): rows and fan-in; starts (layers,) in the flat
    weights; a and z (layers, enough): what each layer reads and what it makes of it."""
    for _ in range(steps):
        for layer in range(len(shapes)):
            rows, fan_in = shapes[layer]
            w = weights[starts[layer] : starts[layer] + rows * fan_in].reshape(rows, fan_in)
            np.dot(
                a[layer, : batch * fan_in].reshape(batch, fan_in), w.T, z[layer, : batch * rows].reshape(batch, rows)
            )
        for layer in range(len(shapes) - 1, -1, -1):
            rows, fan_in = shapes[layer]
            end = starts[layer] + rows * fan_in
            dl_dz = z[layer, : batch * rows].reshape(batch, rows)
            inputs = a[layer, : batch * fan_in].reshape(batch, fan_in)
            np.dot(dl_dz.T, inputs, gradients[starts[layer] : end].reshape(rows, fan_in))
            if layer > 0:
                w = weights[starts[layer] : end].reshape(rows, fan_in)
                np.dot(dl_dz, w, below[: batch * fan_in].reshape(batch, fan_in))


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """The function compiled by Numba."""
    import numba

    njit: Any = numba.njit
    return njit(cache=True)(function)
