"""The floor: the matrix products of a training step alone, in sequence, at the step's own shapes. No step is faster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.works import Work, layout_of
from workbench.engine.kernels.choice import numba_fault
from workbench.engine.training.layout import Layout

STEPS = 32


def flops_of_step(work: Work) -> int:
    """Multiplications and additions of the products of one update of one run: forward, dL/dW, and dl/dx but of the
    inputs."""
    sizes = [rows * columns for _, rows, columns in layout_of(work).rows()]
    return 2 * work.batch_size * (3 * sum(sizes) - sizes[0])


class Products:
    """Products alone, on one core: those of the compiled kernel where Numba is there, else BLAS's through NumPy.

    A unit is `STEPS` steps of one run.
    """

    def __init__(self, work: Work, runs: np.ndarray) -> None:
        layout, draw = layout_of(work), np.random.default_rng(int(runs[0]))
        widest = max(max(rows, columns) for _, rows, columns in layout.rows())
        w, a, z = (draw.random(size, np.float32) for size in (layout.size, *(2 * [work.batch_size * (widest + 64)])))
        arguments = layout, work.batch_size, w, a, z
        self._steps = partial(multiply, *arguments) if numba_fault() else compiled_steps(*arguments)

    def turn(self, units: int) -> int:
        """Multiply; the updates of single runs whose products were done."""
        self._steps(units * STEPS)
        return units * STEPS

    def losses(self) -> dict[tuple[int, int], float]:
        """None: nothing is trained."""
        return {}


def multiply(layout: Layout, batch: int, w: np.ndarray, a: np.ndarray, z: np.ndarray, steps: int) -> None:
    """The products of so many steps of one run, through NumPy. a and z are large enough for any layer's."""
    weights = [matrices[0] for matrices in layout.weights(w[None])]
    for _ in range(steps):
        for matrix in weights:
            rows, columns = matrix.shape
            x = a[: batch * columns].reshape(batch, columns)
            np.matmul(x, matrix.T, out=z[: batch * rows].reshape(batch, rows))
        for number, matrix in reversed(list(enumerate(weights))):
            rows, columns = matrix.shape
            dl_dz = z[: batch * rows].reshape(batch, rows)
            np.matmul(dl_dz.T, a[: batch * columns].reshape(batch, columns))
            if number > 0:
                np.matmul(dl_dz, matrix)


def compiled_steps(layout: Layout, batch: int, w: np.ndarray, a: np.ndarray, z: np.ndarray) -> Callable[[int], None]:
    """The same through the compiled kernel's own products, called as its step calls them."""
    import numba

    from workbench.engine.kernels.compiled.kernel import places_of, scratch_for
    from workbench.engine.kernels.compiled.products import through_weights, weight_gradient, weighted_sums

    njit: Any = numba.njit
    scratch, places, gradients = scratch_for(layout, batch), places_of(layout), np.zeros_like(w)
    scratch.a[:], scratch.x[:] = a[0], a[1]

    @njit  # type: ignore[untyped-decorator]
    def multiply_steps(w, g, z, places, batch, scratch, steps):  # type: ignore[no-untyped-def]
        of_a = scratch.strides[1]
        for _ in range(steps):
            for layer in range(len(places)):
                x, x_at = (scratch.a, (layer - 1) * of_a) if layer else (scratch.x, 0)
                weighted_sums(w, 0, places, layer, x, x_at, batch, z, 0, scratch.panel)
            for layer in range(len(places) - 1, -1, -1):
                x, x_at = (scratch.a, (layer - 1) * of_a) if layer else (scratch.x, 0)
                weight_gradient(z, 0, batch, x, x_at, places, layer, g, scratch.zeros)
                if layer:
                    through_weights(z, 0, batch, w, 0, places, layer, scratch.dl_da, scratch.zeros)

    return partial(multiply_steps, w, gradients, z, places, batch, scratch)
